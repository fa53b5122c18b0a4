-- proc-fork: the function runs in a child, that child is waited for, and what is said of it is true.
--
-- work() says hello {number, pid} on a pipe, in whatever process it runs; a process that runs the caller's
-- atexit() handler says hello with the number -1. After each run_child() P writes a report into another pipe.
-- The first child of P, the elder, is a zombie from the beginning, and P's own.
local learner = require "learner"
local standing = require "standing"

local GREETING, GREETING_SIZE = "<i4i4", 8
local REPORT, REPORT_SIZE = "<i4i4i4i4i4i4", 24
local UNTOUCHED, EAGAIN = -77, 11
local GOODBYE = -1

-- Everything that the checks ask about a run. facts.cases[i] = { how, hellos, report, child }.
local function facts_of(run)
    local P = learner.name(run)
    local facts = { P = P, cases = {}, goodbyes = {}, strangers = {} }
    facts.exit = learner.exit(run, P)
    facts.forks = run:events { op = "fork", proc = P, where = function(ev) return ev.child ~= nil end }
    facts.failed = run:first { op = "fork", proc = P, ret = -1 }
    facts.elder = facts.forks[1] and facts.forks[1].child
    facts.begin = run:first { op = "wait", proc = P, flags = "WNOWAIT", ret = 0 }
    for i, how in ipairs(run.args) do
        local fork = facts.forks[i + 1]
        facts.cases[i] = { number = i, how = tonumber(how), hellos = {}, child = fork and fork.child }
    end
    for _, name in ipairs(learner.family(run)) do
        for _, ev in ipairs(run:events { op = "write", proc = name, size = GREETING_SIZE, ret = GREETING_SIZE }) do
            local number = string.unpack(GREETING, ev.data)
            local case = facts.cases[number]
            if case then
                table.insert(case.hellos, ev)
                case.child = name ~= P and name or case.child
            elseif number == GOODBYE and name ~= P then
                table.insert(facts.goodbyes, ev)
            end
        end
        for _, ev in ipairs(run:events { op = "write", proc = name, size = REPORT_SIZE, ret = REPORT_SIZE }) do
            local report = { event = ev }
            local number
            number, report.returned, report.error, report.exit_code, report.signal, report.calls =
                string.unpack(REPORT, ev.data)
            if name ~= P then
                table.insert(facts.strangers, ev)
            elseif facts.cases[number] then
                facts.cases[number].report = report
            end
        end
    end
    return facts
end

-- How a case is named in a text: "case 2 (-9)".
local function named(case)
    return ("run_child() number %d (%s)"):format(case.number,
        case.how < 0 and "killed by signal " .. -case.how or "returns " .. case.how)
end

-- Without a child there is nothing to be right about.
local function need_child(facts, case, what)
    if case.report and not case.child and not facts.failed then
        fail {
            text = ("%s has returned, and no child was made: %s."):format(named(case), what),
            events = { case.report.event },
            proc = facts.P,
        }
    end
end

local function at_line(event)
    return event and event.line and (" at line " .. event.line) or ""
end

-- ---- the child ----

-- By its name: the parent that it has now may be another one.
local function parent_of(name)
    return name:match("^(.*)%.%d+$")
end

local function check_child(run)
    local facts = facts_of(run)
    for _, case in ipairs(facts.cases) do
        for _, hello in ipairs(case.hellos) do
            if hello.proc == facts.P then
                fail {
                    text = ("%s: the function ran in %s itself, not in a child.%s"):format(named(case), facts.P,
                        learner.legend(run)),
                    events = { hello },
                    proc = facts.P,
                    next = "When it dies, the caller dies, and what it changes, it changes for the caller.",
                }
            end
        end
        local hello = case.hellos[1]
        if hello and hello.proc ~= facts.P and parent_of(hello.proc) ~= facts.P then
            fail {
                rule = "not-a-child",
                text = ("%s: the function ran in %s, which is not a child of %s: nobody can tell %s how it ended.")
                    :format(named(case), hello.proc, facts.P, facts.P),
                events = { run:first { op = "fork", child = hello.proc }, hello },
                proc = hello.proc,
                next = "Only a parent can wait for a process.",
            }
        end
        if #case.hellos > 1 then
            fail {
                rule = "runs-twice",
                text = ("%s: the function ran twice, in %s and in %s."):format(named(case), case.hellos[1].proc,
                    case.hellos[2].proc),
                events = case.hellos,
                next = "After fork() both go on from the same line: who goes where?",
            }
        end
        local is_to_come = case.child and not run:first { kind = "exit", proc = case.child }
        if case.report and #case.hellos == 0 and not is_to_come then
            fail {
                rule = "not-run",
                text = ("%s returned %d, and the function has not run in any process."):format(named(case),
                    case.report.returned),
                events = { case.report.event },
                proc = facts.P,
            }
        end
    end
    if facts.exit and not facts.cases[#facts.cases].report and #facts.goodbyes + #facts.strangers == 0 then
        fail {
            rule = "not-run",
            text = ("%s has ended, and run_child() has not returned %d times."):format(facts.P, #facts.cases),
            events = { facts.exit },
            proc = facts.P,
        }
    end
end

local function check_memory(run)
    local facts = facts_of(run)
    for _, case in ipairs(facts.cases) do
        local report, hello = case.report, case.hellos[1]
        if report and report.calls ~= 0 and hello and hello.proc ~= facts.P then
            local fork = run:first { op = "fork", proc = facts.P, child = hello.proc }
            fail {
                text = ("%s: the function ran in %s and changed a variable of %s.%s"):format(named(case),
                    hello.proc, facts.P, fork and " They share their memory: " .. learner.call(fork) .. "." or ""),
                events = { fork, hello },
                proc = facts.P,
                next = "vfork() and CLONE_VM make a process that works in its parent's memory. fork() copies it.",
            }
        end
    end
end

local function check_over(run)
    local facts = facts_of(run)
    local stranger, goodbye = facts.strangers[1], facts.goodbyes[1]
    for _, case in ipairs(facts.cases) do
        need_child(facts, case, "the function returned into its caller")
    end
    if stranger then
        fail {
            text = ("%s came back from run_child(), too, and went on with the caller's work%s: now there are two "
                .. "callers."):format(stranger.proc, at_line(stranger)),
            events = { run:first { op = "fork", child = stranger.proc }, stranger },
            proc = stranger.proc,
            next = "The child must end where the function has returned: it must not return itself.",
        }
    end
    if goodbye then
        fail {
            rule = "exit-in-the-child",
            text = ("%s ended, and on its way it ran what the caller had given to atexit()."):format(goodbye.proc),
            events = { goodbye, run:first { kind = "dying", proc = goodbye.proc } },
            proc = goodbye.proc,
            next = "exit(3) does that, and writes out stdio buffers that are copies. What does _exit(2) do?",
        }
    end
end

-- ---- the wait ----

local function check_elder(run)
    local facts = facts_of(run)
    local theft = facts.elder and run:first {
        op = "wait",
        proc = facts.P,
        child = facts.elder,
        where = function(ev) return not ev.flags.WNOWAIT and (ev.ret or -1) >= 0 end,
    }
    local last = facts.cases[#facts.cases].report
    local is_theft = theft and (not last or theft.seq < last.event.seq)
    if is_theft and not (facts.failed and run.name == "fork fails") then
        fail {
            text = ("%s took the exit status of %s, a child that the caller had before: %s."):format(facts.P,
                facts.elder, learner.call(theft)),
            events = { theft },
            proc = facts.P,
            next = "wait(NULL) and waitpid(-1, ...) take any child. The caller will ask for its own, and find ECHILD.",
        }
    end
end

-- run_child() came back: was the child over?
local function check_waits(run)
    local facts = facts_of(run)
    for _, case in ipairs(facts.cases) do
        local report = case.report
        need_child(facts, case, "nobody was waited for")
        local child = report and case.child and run:at(report.event.seq):proc(case.child)
        local state = child and child.state
        local wait = report and run:last { op = "wait", proc = facts.P, seq_to = report.event.seq }
        if state == "running" or state == "exiting" then
            local is_interrupted = wait and wait.errno == "EINTR"
            fail {
                rule = is_interrupted and "eintr-as-end" or nil,
                text = ("%s has returned, and %s is still running.%s"):format(named(case), case.child,
                    is_interrupted and (" A signal had interrupted %s: the child was not concerned."):format(
                        learner.call(wait)) or ""),
                events = { wait, report.event },
                proc = facts.P,
                next = is_interrupted and "EINTR says that a handler ran. Nobody has been waited for yet."
                    or "Only a wait for this child tells that it has ended.",
            }
        elseif state == "zombie" and wait and wait.flags.WNOHANG and wait.ret == 0 then
            fail {
                text = ("%s has returned: it had only looked, %s, and %s was still running then."):format(named(case),
                    learner.call(wait), case.child),
                events = { wait, report.event },
                proc = facts.P,
                next = "WNOHANG does not wait. Without it, waitpid() sleeps until the child has ended.",
            }
        elseif state == "zombie" then
            fail {
                rule = "zombie",
                text = ("%s has returned, and %s is a zombie: nobody has waited for it."):format(named(case),
                    case.child),
                events = { run:first { kind = "exit", proc = case.child }, report.event },
                proc = facts.P,
            }
        elseif state == "reaped" and child.reaped_by ~= facts.P then
            fail {
                rule = "status-lost",
                text = ("%s vanished when it ended, with its status: %s had said that it does not want to know.")
                    :format(case.child, facts.P),
                events = { run:last { op = "sigaction", proc = facts.P, sig = "SIGCHLD", seq_to = report.event.seq },
                    wait },
                proc = facts.P,
                next = "Who ignores SIGCHLD, or sets SA_NOCLDWAIT, is told nothing: waitpid() fails with ECHILD.",
            }
        end
    end
end

-- The process that ran the function, when that was a child and run_child() has returned.
local function has_run(run, facts, case)
    local hello = case.report and case.hellos[1]
    return hello and hello.proc ~= facts.P and run:final():proc(hello.proc)
end

-- What is wrong with a report, seen from how the child really ended: rule and what was reported.
local function mistake(report, proc)
    if report.returned ~= 0 then
        return "wrong-status", "it returned " .. report.returned
    elseif proc.signal and report.signal == 0 then
        local rule = report.exit_code == 0 and "killed-as-exit" or "wrong-status"
        return rule, "exit code " .. report.exit_code .. ", no signal"
    elseif proc.exit and proc.exit ~= 0 and report.exit_code == proc.exit * 256 then
        return "raw-status", "exit code " .. report.exit_code
    end
    return "wrong-status", "exit code " .. report.exit_code .. ", signal " .. report.signal
end

-- What the function returned must be how the child ended: there is no other way out of it.
local function check_not_lost(run, facts)
    for _, case in ipairs(facts.cases) do
        need_child(facts, case, "what it says is nobody's end")
        local proc = has_run(run, facts, case)
        if proc and case.how >= 0 and proc.exit ~= case.how then
            fail {
                rule = "result-lost",
                text = ("The function returned %d in %s, and %s ended with %s."):format(case.how, case.child,
                    case.child, proc.exit and "exit status " .. proc.exit or proc.signal or "nothing"),
                events = { run:first { kind = "exit", proc = case.child } },
                proc = case.child,
                next = "What the function returns has one way out of the child: its exit status.",
            }
        end
    end
end

local function check_result(run)
    local facts = facts_of(run)
    check_not_lost(run, facts)
    for _, case in ipairs(facts.cases) do
        local report = case.report
        local proc = has_run(run, facts, case)
        local signal = proc and proc.signal and -case.how or 0
        local code = proc and (proc.exit or -1)
        if proc and (report.returned ~= 0 or report.exit_code ~= code or report.signal ~= signal) then
            local rule, said = mistake(report, proc)
            fail {
                rule = rule,
                text = ("%s %s. run_child() said: %s."):format(case.child,
                    proc.signal and "was killed by " .. proc.signal or "ended with exit status " .. proc.exit, said),
                events = { run:last { op = "wait", proc = facts.P, seq_to = report.event.seq }, report.event },
                proc = facts.P,
                next = "The status of waitpid() holds several things: WIFEXITED, WEXITSTATUS, WIFSIGNALED, WTERMSIG.",
            }
        end
    end
end

-- ---- what else ----

local function fail_fork(facts, text, events)
    fail {
        text = ("fork() failed with %s%s. %s"):format(facts.failed.errno, at_line(facts.failed), text),
        events = { facts.failed, table.unpack(events) },
        proc = facts.P,
        next = "fork() has three results: a number, 0, and -1. With -1 there is no child.",
    }
end

local function check_fork_failure(run)
    local facts = facts_of(run)
    need_child(facts, facts.cases[1], "fork() was not even tried")
    if not facts.failed then
        return -- this machine does not limit the number of processes
    end
    local case = facts.cases[1]
    local report, hello = case.report, case.hellos[1]
    local theft = facts.elder and run:first {
        op = "wait", proc = facts.P, child = facts.elder, seq_from = facts.failed.seq,
        seq_to = report and report.event.seq,
        where = function(ev) return not ev.flags.WNOWAIT end,
    }
    if hello and hello.proc == facts.P then
        fail_fork(facts, facts.P .. " took itself for the child and ran the function.", { hello })
    elseif not report and theft then
        fail_fork(facts, ("%s went on and waited: %s."):format(facts.P, learner.call(theft)), { theft })
    elseif not report then
        fail_fork(facts, facts.P .. " did not come back from run_child().", { facts.exit })
    elseif report.returned ~= -1 then
        fail_fork(facts, ("run_child() returned %d."):format(report.returned), { report.event })
    elseif theft then
        fail_fork(facts, ("%s waited all the same, and took another child: %s."):format(facts.P, learner.call(theft)),
            { theft })
    elseif report.exit_code ~= UNTOUCHED or report.signal ~= UNTOUCHED then
        fail_fork(facts, "There is no result, and *result was changed.", { report.event })
    elseif report.error ~= EAGAIN then
        fail_fork(facts, ("When run_child() returned -1, errno was %d."):format(report.error), { report.event })
    end
end

local function check_descriptors(run)
    local facts = facts_of(run)
    local before = facts.begin and run:at(facts.begin.exit_seq):fds(facts.P)
    for _, case in ipairs(before and facts.cases or {}) do
        local now = case.report and run:at(case.report.event.seq):fds(facts.P) or {}
        local had = {}
        for _, fd in ipairs(before) do
            had[fd.fd] = true
        end
        for _, fd in ipairs(now) do
            if not had[fd.fd] then
                fail {
                    text = ("After %s, %s has descriptor %d open, which it had not before."):format(named(case),
                        facts.P, fd.fd),
                    events = { fd.event, case.report.event },
                    proc = facts.P,
                    object = fd.object,
                }
            end
        end
    end
end

-- ---- the runs ----

local SIGNALS = { -9, -11, -15, -6, -2 }

-- Exit codes and signals, 0 and 255 among them, in any order.
local function endings(random)
    local list = { 0, 255, random(1, 127), random(128, 254), -9, -11, SIGNALS[random(1, #SIGNALS)] }
    for i = #list, 2, -1 do
        local other = random(1, i)
        list[i], list[other] = list[other], list[i]
    end
    for i, how in ipairs(list) do
        list[i] = tostring(how)
    end
    return list
end

local function runs(random)
    return {
        { name = "free", args = endings(random), limit = 10 },
        { name = "the parent first", args = endings(random), schedule = { "then: parent first" }, limit = 10 },
        { name = "the child first", args = endings(random), schedule = { "then: child first" }, limit = 10 },
        { name = "interrupted", args = endings(random), partner = "interrupt", limit = 15 },
        { name = "fork fails", args = { tostring(random(1, 255)) }, processes = 2, limit = 10 },
    }
end

local USUAL = { "free", "the parent first", "the child first", "interrupted" }

return grader {
    title = "fork copies, it does not share",
    exercise = "1-processes/proc-fork",
    starter_fails = "in-the-parent",
    partners = { "interrupt" },
    runs = runs,
    checks = {
        {
            id = "child",
            title = "the function runs in a child, once",
            points = 10,
            rule = "in-the-parent",
            why = "A function that runs in the caller's process can change and kill everything the caller has.",
            hints = {
                "Which call makes a second process?",
                "fork() returns twice: 0 in the child, the child's number in P.",
                "switch (pid = fork()) { case -1: return -1; case 0: ...function(argument)...; }",
            },
            on = USUAL,
            check = check_child,
        },
        {
            id = "memory",
            title = "the caller's memory stays as it was",
            points = 5,
            rule = "shares-memory",
            why = "The child is to be free to change anything.",
            hints = {
                "Which call made the child?",
                "vfork(2) and CLONE_VM lend the parent's memory; fork(2) copies it.",
                "Use fork().",
            },
            on = USUAL,
            check = check_memory,
        },
        {
            id = "over",
            title = "the child is over when the function returns",
            points = 15,
            rule = "returns-in-the-child",
            why = "After a fork two processes stand at the same line. If the child goes on, the caller's work is done "
                .. "twice.",
            hints = {
                "Where does the child go after function(argument)?",
                "It may not leave run_child(): not by return, and not through what exit() runs.",
                "_exit(function(argument));",
            },
            on = USUAL,
            check = check_over,
        },
        {
            id = "elder",
            title = "nobody else's status is taken",
            points = 15,
            rule = "steals-a-child",
            why = "An exit status can be taken once. Whoever takes a foreign one has the wrong answer, and the other "
                .. "has none.",
            hints = {
                "Which child does your wait wait for?",
                "The caller may have children that you know nothing of; one may have ended long ago.",
                "waitpid(pid, &status, 0)",
            },
            on = USUAL,
            check = check_elder,
        },
        {
            id = "waits",
            title = "it comes back when the child has ended and was waited for",
            points = 15,
            rule = "does-not-wait",
            why = "Before that there is nothing true to say about how it ended.",
            hints = {
                "What did the wait return, before you read the status?",
                "A handler that ran makes waitpid() return -1 with EINTR. Nothing has happened to the child.",
                "while (waitpid(pid, &status, 0) == -1 && errno == EINTR) ;",
            },
            on = USUAL,
            check = check_waits,
        },
        {
            id = "result",
            title = "the result says how it really ended",
            points = 15,
            rule = "wrong-status",
            why = "A crash that is reported as success is the worst of all results.",
            hints = {
                "What is in the int that waitpid() fills?",
                "Exit status and signal are different fields of it: wait(2) has macros for both.",
                "if (WIFEXITED(status)) ... WEXITSTATUS(status) ... else if (WIFSIGNALED(status)) ... WTERMSIG(status)",
            },
            on = USUAL,
            check = check_result,
        },
        {
            id = "fork failure",
            title = "when fork() fails, -1 is returned and nothing is done",
            points = 10,
            rule = "fork-failure",
            why = "fork() fails when there are too many processes: rarely, and never while you look.",
            hints = {
                "fork() has three results.",
                "-1 is neither the child nor a number to wait for: waitpid(-1, ...) takes any child.",
                "if (pid == -1) return -1;",
            },
            on = { "fork fails" },
            check = check_fork_failure,
        },
        {
            id = "descriptors",
            title = "no descriptor is left open",
            points = 5,
            rule = "fd-leak",
            why = "A caller that uses run_child() a thousand times runs out of descriptors.",
            hints = {
                "Which descriptors did run_child() open?",
                "A pidfd, a pipe, a signalfd: each is a descriptor.",
                "close() it on each way out.",
            },
            on = USUAL,
            check = check_descriptors,
        },
        {
            id = "ends",
            title = "the program ends",
            points = 3,
            rule = "deadlock",
            why = "A wait for somebody who will not end, or who has been waited for already, has no end.",
            hints = {
                "Who sleeps, in which call, and who could wake it?",
                "The finding names the call.",
                "Look at the processes at the moment when the run got stuck.",
            },
            check = standing.ends,
        },
        {
            id = "spin",
            title = "waiting costs no processor time",
            points = 4,
            rule = "busy-wait",
            why = "A process that asks again and again takes a processor from the one it waits for.",
            hints = {
                "What does P do while the child sleeps?",
                "waitpid() without WNOHANG sleeps until the child has ended.",
                "waitpid(pid, &status, 0)",
            },
            on = { "interrupted" },
            check = learner.forbid_spinning,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 3,
            rule = "sleep",
            why = "Nobody knows how long a function takes.",
            hints = {
                "Which call of yours has a time limit?",
                "The end of a child wakes whoever sleeps in waitpid().",
                "Leave the sleep out.",
            },
            check = learner.forbid_clock,
        },
    },
}
