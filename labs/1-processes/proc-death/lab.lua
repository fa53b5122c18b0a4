local C = "P.1"

local function death(run)
    return run:first { kind = "exit", proc = C }
end

-- The last kill(pid, 0) that was made after C's death and before P waited for it.
local function last_question(run)
    local wait = run:first { op = "wait", proc = "P" }
    return run:last { op = "kill", proc = "P", seq_from = death(run).seq, seq_to = wait and wait.seq }
end

return lab {
    title = "Your peer can vanish at any instruction",
    part = "1-processes",
    summary = "A process that is killed says no farewell. See how a supervisor is told of it, how one that asks never "
        .. "finds out, and what of a dead process stays behind.",
    minutes = 25,
    covers = { "SIGKILL", "pidfd", "kill(pid, 0)", "waitpid", "names that outlive a process" },
    actors = {
        { name = "P", role = "the supervisor: wants to know when C is dead" },
        { name = "P.1", role = "C: is killed" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "P sleeps until a pidfd says that C has ended" },
        broken = { program = "broken.c", text = "P asks with kill(pid, 0) until C is gone" },
        left = { program = "left.c", text = "P looks for what C has left behind" },
    },
    knobs = {
        { name = "work", text = "how long C lives, in thousand turns", values = { 0, 100, 1000 }, default = 0 },
    },
    prediction = {
        question = "C is killed. Its parent P asks in a loop: while (kill(pid, 0) == 0 && asked < 2000) asked++; and "
            .. "calls waitpid() after that. What ends the loop?",
        variant = "broken",
        knobs = { work = 0 },
        options = {
            {
                id = "esrch",
                text = "kill() fails with ESRCH, as soon as C is dead.",
                holds = function(run)
                    local kill = last_question(run)
                    return kill ~= nil and kill.errno == "ESRCH"
                end,
                why = "It fails when there is no process of that number. A zombie still has it.",
            },
            {
                id = "stranger",
                text = "Somebody else gets the number at once, and P asks about a stranger.",
                holds = function(run)
                    return run:first { op = "fork", where = function(ev) return ev.child ~= C and ev.child ~= nil end }
                        ~= nil
                end,
                why = "It can be given away only after P has waited. Up to then it is C's.",
            },
            {
                id = "patience",
                text = "Only the count: a zombie counts as a process, and P has not waited for it.",
                holds = function(run)
                    local kill = last_question(run)
                    return run:ended().how == "ended" and kill ~= nil and kill.errno == nil
                end,
                why = "kill(pid, 0) asks whether the number is in use. It is, until P calls waitpid().",
            },
        },
    },
    watch = {
        "the moment at which C is dead, and the moment at which P knows",
        "in the healthy program: kill(pid, 0) after waitpid(), which says ESRCH",
        "in the broken program: kill(pid, 0) = 0, and C a zombie",
        "in the left variant: which open() and bind() still find something, and what read() and F_SETLK say",
    },
    expects = { healthy = {}, broken = { "busy-wait" }, left = {} },
}
