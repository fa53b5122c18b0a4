-- The state when every child has ended: the moment after the last one is gone.
local function when_all_have_ended(run)
    local last = run:last { kind = "exit", where = function(ev) return ev.proc ~= "P" end }
    return run:at(last.seq)
end

local function count(run, is_counted)
    local children = 0
    for _, proc in ipairs(when_all_have_ended(run):procs()) do
        if proc.name ~= "P" and is_counted(proc) then
            children = children + 1
        end
    end
    return children
end

local function zombies(run)
    return count(run, function(proc) return proc.state == "zombie" end)
end

local function ended(run)
    return count(run, function(proc) return proc.state == "zombie" or proc.state == "reaped" end)
end

-- Whether so many processes are zombies now.
local function are_zombies(run, wanted)
    local found = 0
    for _, proc in ipairs(run:final():procs()) do
        if proc.state == "zombie" then
            found = found + 1
        end
    end
    return found >= wanted
end

-- Whether P has fallen asleep in a wait before any child had ended.
local function has_waited(run)
    local asleep = run:first { kind = "blocked", proc = "P" }
    local exit = run:first { kind = "exit", where = function(ev) return ev.proc ~= "P" end }
    return asleep ~= nil and (exit == nil or exit.seq > asleep.seq)
end

return lab {
    title = "An exit must be collected",
    part = "1-processes",
    summary = "A process that has ended is not gone: the kernel keeps its exit status until the parent asks for it. "
        .. "See what a parent that never asks leaves in the process table, and what ignoring SIGCHLD costs.",
    minutes = 20,
    covers = { "fork", "wait", "zombies", "SIGCHLD", "exit status" },
    actors = {
        { name = "P", role = "starts the children; may collect them, or not" },
        { name = "P.1", role = "the first of the children: ends at once, with an exit status" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "P collects every child after it has ended" },
        broken = { program = "broken.c", text = "P never asks how its children ended" },
        ignored = { program = "ignored.c", text = "P was started with SIGCHLD ignored" },
    },
    knobs = {
        { name = "children", text = "how many children P starts", values = { 1, 3, 20 }, default = 20 },
    },
    prediction = {
        question = "P starts 3 children. They end; P never calls wait(). What does the process table hold then?",
        variant = "broken",
        knobs = { children = 3 },
        options = {
            {
                id = "nothing",
                text = "Nothing of them: a process that has ended is gone.",
                holds = function(run) return zombies(run) == 0 end,
                why = "Its memory and descriptors are gone. Its exit status is not: somebody may still ask for it.",
            },
            {
                id = "last",
                text = "The last one: the kernel keeps one exit status for a parent.",
                holds = function(run) return zombies(run) == 1 end,
                why = "The status belongs to the child, not to the parent: each child keeps its own.",
            },
            {
                id = "all",
                text = "All 3, as zombies, as long as P lives.",
                holds = function(run) return zombies(run) == 3 and zombies(run) == ended(run) end,
                why = "Only a wait by the parent, or the end of the parent, takes a zombie out of the table.",
            },
        },
    },
    goals = {
        {
            title = "Have three zombies at one moment",
            reached = function(run) return are_zombies(run, 3) end,
            variants = { "healthy", "broken" },
        },
        { title = "Make P sleep: let it wait before any child has ended", reached = has_waited },
    },
    watch = {
        "the state of each child after its exit: zombie, until P's waitpid() takes it",
        "the second loop of the healthy program: one child vanishes with each waitpid()",
        "in the ignored variant: children that vanish without any wait, and waitpid() = ECHILD",
    },
    expects = { healthy = {}, broken = { "zombie" }, ignored = {} },
}
