-- One run for each thing that a standing check forbids, and a well-behaved one: which check fails where is told by
-- its name, "what CHECK sees in RUN".
local standing = require "standing"
local learner = require "learner"

local function keeps(run)
   local marks = run:events { op = "dup", proc = learner.name(run) }
   standing.keeps_descriptors(run, marks[1].exit_seq, marks[2].seq)
end

local RUNS = { "well", "leaks", "closes", "hangs", "orphan", "zombie", "sleeps" }
local CHECKS = { ends = standing.ends, reaps = standing.reaps, keeps = keeps, clock = standing.no_clock }

local checks = {}
for _, name in ipairs { "ends", "reaps", "keeps", "clock" } do
   for _, run in ipairs(RUNS) do
      checks[#checks + 1] = {
         id = name .. " " .. run,
         title = "what " .. name .. " sees in " .. run,
         points = 1,
         rule = "unnamed",
         why = "-",
         hints = {},
         on = { run },
         check = CHECKS[name],
      }
   end
end

return grader {
   title = "The standing checks",
   exercise = "1-test/standing",
   starter_fails = "none",
   runs = function()
      local runs = {}
      for i, name in ipairs(RUNS) do
         runs[i] = { name = name, args = { name }, limit = 10 }
      end
      return runs
   end,
   checks = checks,
}
