-- proc-zombie: at most K jobs at a time, each collected and reported as soon as it has ended.
--
-- A job says hello {index, pid} on a pipe, some wait at a gate, then each reads one byte of standard input
-- that says how it ends. ended() writes {index, status} into another pipe, the ledger. So who ran what, how
-- it ended, when it was collected and what was reported are all events.
local learner = require "learner"

local HELLO, REPORT = "<i4i4", "<i4i4"
local STATUS_SIZE = 8

local function argument(run, name)
    for _, arg in ipairs(run.args) do
        local value = arg:match("^" .. name .. "=(%d+)$")
        if value then
            return tonumber(value)
        end
    end
end

-- Everything that the checks ask about a run.
local function facts_of(run)
    local facts = { P = learner.name(run), jobs = {}, reports = {}, forks = {}, failed_forks = {} }
    for _, ev in ipairs(run:events { op = "fork", proc = facts.P }) do
        if ev.child then
            table.insert(facts.forks, ev)
        elseif ev.ret == -1 and not ev.flags.CLONE_THREAD then
            table.insert(facts.failed_forks, ev)
        end
    end
    for _, ev in ipairs(run:events { op = "write", size = STATUS_SIZE, ret = STATUS_SIZE }) do
        if ev.proc == facts.P then
            local index, status = string.unpack(REPORT, ev.data)
            table.insert(facts.reports, { index = index, status = status, event = ev })
        elseif ev.proc:sub(1, #facts.P + 1) == facts.P .. "." then
            local index, pid = string.unpack(HELLO, ev.data)
            facts.jobs[ev.proc] = { index = index, pid = pid, name = ev.proc, hello = ev }
        end
    end
    facts.last = learner.last_state(run, facts.P)
    facts.exit = learner.exit(run, facts.P)
    return facts
end

local function describe(status)
    if status % 256 == 0 and status // 256 < 256 then
        return "exit status " .. status // 256
    elseif status < 128 then
        return "killed by signal " .. status
    end
    return ("%#x, which is no status of an end"):format(status)
end

-- Signals by which a job ends itself, and wait statuses for them (wait(2)).
local SIGNALS = { SIGKILL = 9, SIGTERM = 15 }

-- Whether the wait status is that of this process.
local function is_status_of(status, proc)
    if proc.signal then
        return status == SIGNALS[proc.signal] or SIGNALS[proc.signal] == nil and status % 256 ~= 0
    end
    return status == proc.exit * 256
end

local function unreaped(state, names)
    local list = {}
    for _, name in ipairs(names) do
        local proc = state:proc(name)
        list[#list + 1] = name .. (proc.state == "zombie" and " (zombie)" or "")
    end
    return table.concat(list, ", ")
end

-- Children of P that have ended and have not been collected, in its last state.
local function zombies(facts)
    local names = {}
    for _, name in ipairs(facts.last:children(facts.P)) do
        if facts.last:proc(name).state == "zombie" then
            names[#names + 1] = name
        end
    end
    return names
end

-- Whether a job read its byte and ended as that told it.
local function has_obeyed(run, name, exit)
    local byte = run:first { op = "read", proc = name, fd = 0 }
    if not byte or byte.ret ~= 1 then
        return byte ~= nil
    end
    local how = byte.data:byte()
    return how >= 192 and exit.status.signal ~= nil or exit.status.exit == how
end

-- The fixed part must do what it does, otherwise nothing here means anything: when the last job has been
-- reported, and not before, the gated ones end, and P looks at each of them with WNOWAIT.
local function check_frame(run, facts)
    local most, jobs = argument(run, "at_once"), argument(run, "jobs")
    local looked_at, opened = {}, nil
    for _, report in ipairs(facts.reports) do
        opened = opened or report.index == jobs - 1 and report.event
    end
    for _, ev in ipairs(run:events { op = "wait", proc = facts.P, flags = "WNOWAIT" }) do
        looked_at[ev.pid] = true -- even if another thread had it already
    end
    for name, job in pairs(facts.jobs) do
        local exit = facts.exit and run:first { kind = "exit", proc = name, seq_to = facts.exit.seq }
        local is_gated = opened and job.index < math.min(most, jobs) - 1
        local byte = run:first { op = "read", proc = name, fd = 0 }
        if exit and (not has_obeyed(run, name, exit)
                or is_gated and (byte.seq < opened.seq or not looked_at[job.pid])) then
            fail {
                rule = "frame-changed",
                text = ("Job %d (%s) did not do what the fixed part of the file makes it do."):format(job.index, name),
                events = { job.hello, byte, exit },
                proc = name,
                next = "Everything below \"Fixed from here on\" must stay as it was.",
            }
        end
    end
end

local function check_jobs(run)
    if learner.was_spinning(run) then
        return -- and was killed
    end
    local facts = facts_of(run)
    local wanted = argument(run, "jobs")
    for _, report in ipairs(facts.reports) do
        local has_run = false
        for _, job in pairs(facts.jobs) do
            has_run = has_run or job.index == report.index
        end
        if not has_run then
            fail {
                text = ("%s reported job %d, which no process has ever run."):format(facts.P, report.index),
                events = { report.event },
            }
        end
    end
    for _, fork in ipairs(facts.forks) do
        local exit = learner.exit(run, fork.child)
        local grandchild = run:first { op = "fork", proc = fork.child }
        if exit and exit.status.exit and not facts.jobs[fork.child] and not grandchild then
            fail {
                text = ("%s, started at line %s, ended without running a job."):format(fork.child,
                    fork.line or "?"),
                events = { fork, exit },
                proc = fork.child,
            }
        end
    end
    check_frame(run, facts)
    if facts.exit and #facts.forks < wanted then
        fail {
            text = ("%s started %d processes for %d jobs."):format(facts.P, #facts.forks, wanted),
            events = { facts.forks[#facts.forks] },
            proc = facts.P,
        }
    end
    if facts.exit and facts.exit.status.exit ~= 0 and #facts.failed_forks == 0 then
        fail {
            rule = "wrong-result",
            text = ("All %d jobs were run, but run_jobs() did not return 0: %s."):format(wanted, facts.exit.text),
            events = { facts.exit },
            proc = facts.P,
        }
    end
end

local function check_limit(run)
    local facts = facts_of(run)
    local most = argument(run, "at_once")
    for _, fork in ipairs(facts.forks) do
        local state = run:at(fork.exit_seq)
        local children = state:children(facts.P)
        if #children > most then
            fail {
                text = ("With the fork at line %s, %s has %d children that it has not waited for: %s. Allowed: %d.")
                    :format(fork.line or "?", facts.P, #children, unreaped(state, children), most),
                events = { fork },
                proc = facts.P,
                next = "A zombie still counts: it leaves only when it has been waited for.",
            }
        end
    end
end

local function check_statuses_kept(run)
    local facts = facts_of(run)
    for _, fork in ipairs(facts.forks) do
        if run:at(fork.seq):handler(facts.P, "SIGCHLD") == "ignore" then
            fail {
                text = ("%s forks at line %s while SIGCHLD is ignored: when %s ends, its status is thrown away.")
                    :format(facts.P, fork.line or "?", fork.child),
                events = { fork },
                proc = facts.P,
                next = "Look at SIGCHLD's disposition before the first fork: it may have come through exec.",
            }
        end
    end
    for name, job in pairs(facts.jobs) do
        local proc = facts.last:proc(name)
        local is_child = name:match("^" .. facts.P:gsub("%.", "%%.") .. "%.%d+$") ~= nil
        if not is_child then
            fail {
                text = ("Job %d ran in %s, which is not a child of %s: nobody can tell how it ended.")
                    :format(job.index, name, facts.P),
                events = { job.hello },
                proc = name,
            }
        elseif proc and proc.state == "reaped" and proc.reaped_by ~= facts.P then
            fail {
                text = ("%s (job %d) ended and vanished before %s waited for it: the kernel threw its status away.")
                    :format(name, job.index, facts.P),
                events = { run:first { kind = "exit", proc = name } },
                proc = name,
                next = "Look at the disposition and the flags of SIGCHLD in " .. facts.P .. " (SA_NOCLDWAIT).",
            }
        end
    end
end

local function check_reports(run)
    local facts = facts_of(run)
    local seen = {}
    for _, report in ipairs(facts.reports) do
        local job
        for _, candidate in pairs(facts.jobs) do
            job = candidate.index == report.index and candidate or job
        end
        local proc = job and run:at(report.event.seq):proc(job.name)
        if proc and (proc.state ~= "reaped" or not is_status_of(report.status, proc)) then
            fail {
                text = ("%s reported job %d: %s. But %s, which ran it, %s."):format(facts.P, report.index,
                    describe(report.status), job.name,
                    proc.state ~= "reaped" and "has not been collected"
                    or proc.signal and "was killed by " .. proc.signal or "exited with " .. proc.exit),
                events = { report.event, run:first { kind = "exit", proc = job.name } },
                proc = job.name,
                next = "Which pid did the wait return, and which job had that pid?",
            }
        end
        if seen[report.index] then
            fail { text = ("%s reported job %d twice."):format(facts.P, report.index),
                events = { seen[report.index], report.event } }
        end
        seen[report.index] = report.event
    end
end

-- Whether P sleeps in ended() at that moment: then nobody can call it, though another thread may collect.
local function is_in_frame(run, event, P)
    return run:first {
        op = "wait",
        proc = P,
        flags = "WNOWAIT",
        func = "open_gate",
        seq_to = event.seq,
        where = function(ev) return not ev.exit_seq or ev.exit_seq > event.seq end,
    } ~= nil
end

-- Every job that was collected must be reported before P sleeps again. The patient partner passes on the
-- next byte only when P and all its jobs are asleep.
local function check_reported_at_once(run)
    local facts = facts_of(run)
    local report_of = {}
    for _, report in ipairs(facts.reports) do
        report_of[report.index] = report_of[report.index] or report.event
    end
    for name, job in pairs(facts.jobs) do
        local proc = facts.last:proc(name)
        local wait = run:first { op = "wait", proc = facts.P, child = name, where = function(ev)
            return not ev.flags.WNOWAIT
        end }
        local report = report_of[job.index]
        local quiet = facts.P ~= "P" and wait and wait.exit_seq
            and run:first { op = "write", proc = "P", seq_from = wait.exit_seq }
        if proc and proc.reaped_by == facts.P and not report then
            fail {
                text = ("%s has collected %s (job %d) and did not report it, but went on to %s."):format(
                    facts.P, name, job.index,
                    facts.last:proc(facts.P).blocked and facts.last:proc(facts.P).blocked.text or "its end"),
                events = { wait },
                proc = facts.P,
                next = "ended() is to be called as soon as a job has been collected.",
            }
        elseif quiet and report.seq > quiet.seq and not is_in_frame(run, quiet, facts.P) then
            local sleep = run:at(quiet.seq):proc(facts.P).blocked
            fail {
                text = ("%s collected %s (job %d), went to sleep%s, and reported it only when another job had ended.")
                    :format(facts.P, name, job.index, sleep and (" in " .. learner.call(sleep)) or ""),
                events = { wait, sleep, report },
                seq = quiet.seq,
                proc = facts.P,
                next = "ended() is to be called as soon as a job has been collected.",
            }
        end
    end
end

local function check_signals_not_counted(run)
    local facts = facts_of(run)
    local blocked = not facts.exit and facts.last:proc(facts.P).blocked
    local left = zombies(facts)
    if blocked and blocked.op ~= "wait" and #left > 0 then
        fail {
            text = ("%s sleeps in %s, but %d children have ended: %s. Their SIGCHLDs had become one."):format(
                facts.P, learner.call(blocked), #left, table.concat(left, ", ")),
            events = { blocked },
            proc = facts.P,
            next = "A signal that is pending already is not queued again (signal(7)). "
                .. "After each SIGCHLD, wait until nobody is left to collect.",
        }
    end
end

local function holds(list, sig)
    for _, name in ipairs(list or {}) do
        if name == sig then
            return true
        end
    end
    return false
end

-- Whether a task had SIGCHLD blocked when it made a call.
local function is_sigchld_blocked(run, call)
    local is_blocked = false
    for _, mask in ipairs(run:events { op = "sigmask", proc = call.proc, seq_to = call.seq }) do
        local has_it = holds(mask.signals, "SIGCHLD")
        if mask.tid ~= call.tid or not mask.signals then
            goto continue
        elseif mask.flags.SIG_SETMASK then
            is_blocked = has_it
        elseif has_it then
            is_blocked = not mask.flags.SIG_UNBLOCK
        end
        ::continue::
    end
    return is_blocked
end

-- Whether P made anything by which a poll can be woken when a child ends: a descriptor that stands for a
-- signal or a process, or a pipe beyond the three of main(), for the handler to write into.
local function has_waker(run, P)
    local MAINS_PIPES = 3
    return run:count { op = "pipe", proc = P } > MAINS_PIPES
        or run:first { call = { "signalfd", "signalfd4", "pidfd_open", "eventfd", "eventfd2", "socketpair" },
            proc = P } ~= nil
        or run:first { op = "fork", proc = P, flags = "CLONE_PIDFD" } ~= nil
end

-- A test, and then a sleep until a signal: between the two it may come, and then nobody wakes the sleeper.
-- There is no such moment only if SIGCHLD is blocked, and let in by the sleep itself.
local function check_no_lost_wakeup(run)
    local P = learner.name(run)
    if run:first { op = "fork", proc = P, flags = "CLONE_THREAD" } then
        return -- another thread may wait, and tell
    end
    local can_be_woken
    local sleep = run:first {
        op = { "pause", "sigsuspend", "sigwait", "poll", "read" },
        proc = P,
        where = function(ev)
            if ev.op == "read" and (ev.errno ~= "EINTR" and ev.exit_seq
                    or run:count { op = "write", object = ev.object } > 0) then
                return false
            end
            if ev.op == "poll" and can_be_woken == nil then
                can_be_woken = has_waker(run, P)
            end
            if ev.timeout or #run:at(ev.seq):children(P) == 0 or ev.op == "poll" and can_be_woken then
                return false
            end
            return ev.op == "pause" or ev.op == "read" or ev.op == "poll" and not ev.signals
                or not is_sigchld_blocked(run, ev)
        end,
    }
    if sleep then
        fail {
            text = ("A SIGCHLD that comes just before %s wakes nobody: %s sleeps on, and a child has ended."):format(
                learner.call(sleep), P),
            events = { sleep },
            proc = P,
            next = "Block SIGCHLD before you test whether anybody has ended; sigsuspend() lets it in while it sleeps.",
        }
    end
end

local function check_slots_used(run)
    local facts = facts_of(run)
    local blocked = not facts.exit and facts.last:proc(facts.P).blocked
    if not blocked then
        return
    end
    local children, left = facts.last:children(facts.P), zombies(facts)
    if blocked.op ~= "wait" and #left > 0 then
        return -- check_signals_not_counted tells
    end
    local waiting = argument(run, "jobs") - #facts.forks
    local text = ("%s sleeps in %s for ever"):format(facts.P, learner.call(blocked))
    if #left > 0 then
        text = text .. (": %s has ended and is not collected"):format(table.concat(left, ", "))
    elseif waiting > 0 and #children < argument(run, "at_once") then
        text = text .. (": only %d of %d slots are in use"):format(#children, argument(run, "at_once"))
    end
    fail {
        text = text .. (", %d jobs are not started yet."):format(waiting),
        events = { blocked },
        proc = facts.P,
        next = "Wait for any child, not for a certain one, and start the next job after each.",
    }
end

local function check_no_zombies(run)
    if learner.was_spinning(run) then
        return
    end
    local facts = facts_of(run)
    local children = facts.last:children(facts.P)
    if facts.exit and #children > 0 then
        fail {
            text = ("%s ends and has not collected %d of its children: %s."):format(facts.P, #children,
                unreaped(facts.last, children)),
            events = { facts.exit },
            proc = facts.P,
            next = "Wait until no child is left: the jobs still running when the last one was started count, too.",
        }
    end
end

local function check_fork_failure(run)
    local facts = facts_of(run)
    local failed = facts.failed_forks[1]
    if not failed then
        return -- this machine does not limit the number of processes
    end
    local children = facts.last:children(facts.P)
    if #children > 0 then
        fail {
            text = ("fork() failed with %s (line %s), and %s %s without collecting %s."):format(failed.errno,
                failed.line or "?", facts.P, facts.exit and "ended" or "is stuck",
                unreaped(facts.last, children)),
            events = { failed },
            proc = facts.P,
            next = "Those that run already must still be collected and reported.",
        }
    end
    local again = facts.forks[#facts.forks]
    if again and again.seq > failed.seq then
        fail {
            text = ("fork() failed with %s (line %s), and %s started %s all the same, at line %s."):format(failed.errno,
                failed.line or "?", facts.P, again.child, again.line or "?"),
            events = { failed, again },
            proc = facts.P,
            next = "When fork() fails, no more jobs are started.",
        }
    end
    if #facts.reports ~= #facts.forks then
        fail {
            text = ("%s started %d jobs before fork() failed, and reported %d."):format(facts.P, #facts.forks,
                #facts.reports),
            events = { failed },
            proc = facts.P,
            next = "fork() returned -1: there is no child, nobody to wait for and nothing to report.",
        }
    end
    local exit = facts.exit
    if #facts.forks < argument(run, "jobs") and (not exit or exit.status.exit ~= 1) then
        fail {
            text = ("fork() failed with %s (line %s), but run_jobs() did not return -1."):format(failed.errno,
                failed.line or "?"),
            events = { failed, exit },
            proc = facts.P,
        }
    end
end

-- Bytes that say how the jobs end: some exit statuses, and from six jobs on both signals, in any order.
local function endings(random, jobs)
    local bytes = {}
    for i = 1, jobs do
        bytes[i] = string.char(i % 3 == 0 and 192 + 2 * random(0, 31) + i % 2 or random(1, 191))
    end
    for i = jobs, 2, -1 do
        local other = random(1, i)
        bytes[i], bytes[other] = bytes[other], bytes[i]
    end
    return table.concat(bytes)
end

local function runs(random)
    local function spec(name, jobs, at_once, more)
        local args = { "jobs=" .. jobs, "at_once=" .. at_once }
        local one = { name = name, args = args, stdin = endings(random, jobs), limit = 15 }
        for key, value in pairs(more or {}) do
            one[key] = value
        end
        return one
    end
    local at_once = random(3, 5)
    local scarce = spec("fork fails", random(7, 9), 6, { partner = "patient" })
    table.insert(scarce.args, 1, "children=" .. random(2, 4))
    table.insert(scarce.args, "gated=0")
    local none = spec("fork fails at once", random(2, 3), 2, { partner = "patient" })
    table.insert(none.args, 1, "children=0")
    table.insert(none.args, "gated=0")
    return {
        spec("free", at_once + random(3, 6), at_once),
        spec("one slot", random(3, 5), 1),
        spec("more slots than jobs", random(3, 4), 8),
        spec("patient", 3 + random(3, 4), 3, { partner = "patient" }),
        spec("SIGCHLD ignored", 3 + random(2, 4), 3, { ignore = { "SIGCHLD" } }),
        scarce,
        none,
        spec("any order", 3, 2, { orders = 25 }),
        spec("any order, interrupted", 2, 2, { orders = 20, faults = { "signal" } }),
    }
end

local USUAL = { "free", "one slot", "more slots than jobs", "patient", "SIGCHLD ignored" }

return grader {
    title = "An exit must be collected",
    exercise = "1-processes/proc-zombie",
    starter_fails = "too-many-children",
    partners = { "patient" },
    runs = runs,
    checks = {
        {
            id = "jobs",
            title = "every job runs, in a process of its own",
            points = 10,
            rule = "jobs-not-run",
            why = "A process that ended cannot run a second job, and a job that nobody ran has no status.",
            hints = {
                "Each job needs a fork() of its own; job(i) is called in the child.",
                "job() never returns, so nothing after it runs in the child.",
                "switch (fork()) { case 0: job(i); ... }",
            },
            on = USUAL,
            check = check_jobs,
        },
        {
            id = "spin",
            title = "the wait costs no processor time",
            points = 10,
            rule = "busy-wait",
            why = "A parent that asks again and again takes the processor from the children it waits for.",
            hints = {
                "Which of your calls sleeps until something happens?",
                "WNOHANG never sleeps.",
                "waitpid(-1, &status, 0) sleeps until any child has ended; sigsuspend() until a signal came.",
            },
            on = { "patient" },
            check = learner.forbid_spinning,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 10,
            rule = "sleep",
            why = "A sleep is always too long or too short; the kernel can tell you the moment itself.",
            hints = {
                "What are you waiting for? It is not time.",
                "There are calls that sleep until a child has ended.",
                "waitpid(-1, &status, 0), or sigsuspend() with SIGCHLD, or poll() on pidfds without a limit.",
            },
            on = USUAL,
            check = learner.forbid_clock,
        },
        {
            id = "limit",
            title = "never more than K children that have not been waited for",
            points = 15,
            rule = "too-many-children",
            why = "A zombie takes a process number and a slot of the user's limit until its parent waits.",
            hints = {
                "Before each fork(): how many children have you not waited for?",
                "When there are K, wait for one first.",
                "if (running == k) { waitpid(-1, &status, 0); running--; ... } comes before fork().",
            },
            on = USUAL,
            check = check_limit,
        },
        {
            id = "statuses",
            title = "no exit status is lost, even if SIGCHLD was ignored at the start",
            points = 15,
            rule = "status-lost",
            why = "Ignoring SIGCHLD, or giving the child away, removes zombies together with what they had to say; "
                .. "an ignored signal stays ignored through execve(2).",
            hints = {
                "Who throws the status away? Look at SIGCHLD's disposition at the fork.",
                "wait(2), NOTES: what happens to children while SIGCHLD is ignored?",
                "signal(SIGCHLD, SIG_DFL) before the first fork().",
            },
            on = USUAL,
            check = check_statuses_kept,
        },
        {
            id = "reports",
            title = "each status is reported for the job it belongs to",
            points = 10,
            rule = "wrong-report",
            why = "A status without the right name is worse than none: the wrong job is repeated.",
            hints = {
                "wait() tells which child it took: use what it returns.",
                "Keep the pid of each job; find the index by the pid.",
                "Pass on the whole status: a child killed by a signal has no exit status.",
            },
            on = USUAL,
            check = check_reports,
        },
        {
            id = "at once",
            title = "each job is reported when it has been collected",
            points = 5,
            rule = "reported-late",
            why = "Whoever waits for the report waits for as long as you keep it.",
            hints = {
                "When do you call ended()?",
                "Call it right after the wait that collected the job.",
                "In this test the other jobs go on only after the report: keep it, and nobody ever ends.",
            },
            on = USUAL,
            check = check_reported_at_once,
        },
        {
            id = "signals",
            title = "one SIGCHLD may stand for several children",
            points = 5,
            rule = "sigchld-counted",
            why = "Standard signals are not queued: while one is pending, others of its kind are lost (signal(7)).",
            hints = {
                "How many children may have ended when one SIGCHLD arrives?",
                "After each SIGCHLD, collect until nobody is left to collect.",
                "while ((pid = waitpid(-1, &status, WNOHANG)) > 0) ...",
            },
            on = USUAL,
            check = check_signals_not_counted,
        },
        {
            id = "wakeup",
            title = "no SIGCHLD comes too early to be noticed",
            points = 5,
            rule = "lost-wakeup",
            why = "A signal does not wait for you to fall asleep. Such a program hangs once in a thousand runs.",
            hints = {
                "What happens if a child ends right before you go to sleep?",
                "pause() cannot be used safely for this; sigsuspend() can, see sigsuspend(2), NOTES.",
                "sigprocmask(SIG_BLOCK, ...) first; sigsuspend() with the mask from before. Or just waitpid().",
            },
            on = USUAL,
            check = check_no_lost_wakeup,
        },
        {
            id = "slots",
            title = "a free slot is used at once, whoever ended first",
            points = 5,
            rule = "idle-slot",
            why = "Jobs end in an order of their own. Waiting for a certain one leaves the others' slots empty.",
            hints = {
                "Which child does your wait call wait for?",
                "waitpid(-1, ...) takes whoever has ended.",
                "After each one that ended, start the next, not after all K.",
            },
            on = USUAL,
            check = check_slots_used,
        },
        {
            id = "zombies",
            title = "nobody is left behind",
            points = 5,
            rule = "zombie",
            why = "A program that lives on keeps its zombies; one that ends leaves its children to somebody else.",
            hints = {
                "How many children are left when the last job has been started?",
                "There is a second loop after the one that starts the jobs.",
                "for (; running > 0; running--) waitpid(-1, ...)",
            },
            on = USUAL,
            check = check_no_zombies,
        },
        {
            id = "fork failure",
            title = "when fork() fails, those that run are collected, and -1 is returned",
            points = 5,
            rule = "fork-failure",
            why = "fork() fails when the user has too many processes: exactly when zombies must not be left.",
            hints = {
                "fork() has three results.",
                "-1 is not a pid: do not count it, do not wait for it.",
                "On -1: leave the loop that starts jobs, collect as usual, return -1.",
            },
            on = { "fork fails", "fork fails at once" },
            check = check_fork_failure,
        },
    },
}
