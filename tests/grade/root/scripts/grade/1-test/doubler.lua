-- The smallest whole exercise, for the tests of the grader itself: a parent sends bytes to a child through
-- a pipe, and waits for it.
return grader {
   title = "A parent and a child",
   exercise = "1-test/doubler",
   starter_fails = "no-child",
   runs = function(random)
      local size = random(100, 300)
      return {
         { name = "one", args = { "n=" .. size }, stdin = random.bytes(size) },
         { name = "two", args = { "n=2" }, stdin = "ab", feed = "when-quiet", limit = 2 },
      }
   end,
   checks = {
      {
         id = "child", title = "a child is made and reaped", points = 40, rule = "no-child",
         why = "Without one there is no inter-process communication.",
         hints = { "fork(2)", "waitpid(2)" },
         check = function(run)
            local fork = run:first { op = "fork", proc = "P" }
            if not fork or not fork.child then
               fail { text = "P never made a child" }
            end
            if not run:first { op = "wait", child = fork.child } then
               fail { text = "P made " .. fork.child .. " and never waited for it", events = { fork }, proc = "P",
                  rule = "not-reaped" }
            end
         end,
      },
      {
         id = "bytes", title = "the child reads every byte", points = 60, rule = "bytes-lost",
         why = "A read may give less than was asked for.",
         hints = { "read(2)" },
         check = function(run)
            local got = 0
            for _, flow in ipairs(run:flows { from = "P", to = "P.1" }) do got = got + flow.bytes end
            if got ~= #run.stdin then
               fail { text = ("%d of %d bytes reached P.1"):format(got, #run.stdin) }
            end
         end,
      },
      {
         id = "ends", title = "it ends, and says that all is well", points = 0, rule = "bad-end",
         why = "Whoever started it must learn how it went.",
         hints = {},
         check = function(run)
            local ended = run:ended()
            if ended.exit == 4 then
               fail { text = "it says that it has no child", rule = "no-child" }
            end
            if ended.how ~= "ended" or ended.exit ~= 0 then
               fail { text = ("it did not exit 0: %s"):format(ended.how) }
            end
         end,
      },
   },
}
