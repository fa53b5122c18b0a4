-- proc-death: the supervisor (S, a child of P) signals only when it may, is told of the end, and is not outlived.
--
-- S writes "go" into a pipe before supervise() and a report {returned, status} after it. Signals, waits, and who
-- is dead when are events.
local learner = require "learner"
local standing = require "standing"

local REPORT, REPORT_SIZE = "<i4i4", 8
local MS = 1000000

local function argument(run, name)
    for _, arg in ipairs(run.args) do
        local value = arg:match("^" .. name .. "=(.*)$")
        if value then
            return tonumber(value) or value
        end
    end
end

-- Everything that the checks ask about a run. C is the program, E the elder.
local function facts_of(run)
    local facts = { S = learner.children(run)[1] }
    local forks = run:events { op = "fork", proc = facts.S, where = function(ev) return ev.child ~= nil end }
    facts.go = run:first { op = "write", proc = facts.S, data = "go" }
    facts.elder, facts.C, facts.fork = forks[1] and forks[1].child, nil, nil
    for i = 2, #forks do
        if facts.C == nil or run:first { kind = "exec", proc = forks[i].child } then
            facts.C, facts.fork = forks[i].child, forks[i]
        end
    end
    facts.exec = facts.C and run:first { kind = "exec", proc = facts.C }
    local report = facts.S and run:first { op = "write", proc = facts.S, size = REPORT_SIZE, ret = REPORT_SIZE }
    if report then
        facts.report = report
        facts.returned, facts.status = string.unpack(REPORT, report.data)
    end
    facts.death = facts.C and learner.exit(run, facts.C)
    facts.signals = facts.S and run:events {
        op = "kill", proc = facts.S, seq_from = facts.go and facts.go.seq,
        where = function(ev) -- not between its own threads
            return ev.target == facts.C or ev.call ~= "tgkill" and ev.call ~= "tkill"
        end,
    } or {}
    return facts
end

-- The first signal of this kind that S has sent to the program.
local function sent(facts, sig)
    for _, ev in ipairs(facts.signals) do
        if ev.sig == sig and ev.target == facts.C then
            return ev
        end
    end
end

local function check_started(run)
    local facts = facts_of(run)
    local is_killed_before = facts.C and sent(facts, "SIGTERM") -- by a `stop` that is there from the beginning
    if not facts.exec and not is_killed_before then
        fail {
            text = "The supervisor has started no program in a child of its own.",
            events = { facts.fork, facts.report },
            proc = facts.S,
        }
    end
end

-- ---- signals ----

local function check_reaped(run)
    local facts = facts_of(run)
    for _, ev in ipairs(facts.signals) do
        local child = facts.C and run:at(ev.seq):proc(facts.C)
        if child and child.state == "reaped" and ev.call ~= "pidfd_send_signal" and ev.pid == facts.fork.ret then
            fail {
                text = ("%s: %s has been waited for by then, and its number, %d, can be anybody's."):format(
                    learner.call(ev), facts.C, ev.pid),
                events = { run:last { op = "wait", proc = facts.S, child = facts.C, seq_to = ev.seq }, ev },
                proc = facts.S,
                next = "A number is the child's until it has been waited for. Every kill() must come before.",
            }
        end
    end
end

local function check_alone(run)
    local facts = facts_of(run)
    local is_asked = argument(run, "stop") ~= "never"
    local first = facts.signals[1]
    if first and not is_asked then
        fail {
            text = ("Nobody had asked for an end, and the supervisor signals: %s."):format(learner.call(first)),
            events = { first },
            proc = facts.S,
            next = first.sig and "Only `stop` gives the right to do so."
                or "Whether it is alive need not be asked: its end wakes whoever waits for it.",
        }
    end
    for _, ev in ipairs(facts.signals) do
        if ev.target ~= facts.C and ev.ret == 0 then
            fail {
                rule = "signals-others",
                text = ("The supervisor signals somebody else than the program: %s."):format(learner.call(ev)),
                events = { ev },
                proc = facts.S,
            }
        elseif ev.sig ~= "SIGTERM" and ev.sig ~= "SIGKILL" then
            fail {
                rule = "other-signal",
                text = ("The supervisor sends %s: %s."):format(ev.sig or "signal 0", learner.call(ev)),
                events = { ev },
                proc = facts.S,
                next = "First SIGTERM, which a program can obey; then SIGKILL. Signal 0 tells only that a number is in "
                    .. "use.",
            }
        end
    end
end

local function check_grace(run)
    local facts = facts_of(run)
    local term, kill = sent(facts, "SIGTERM"), sent(facts, "SIGKILL")
    local grace = argument(run, "grace")
    if kill and not term then
        fail {
            text = ("The program gets SIGKILL without having been asked to end: %s."):format(learner.call(kill)),
            events = { kill },
            proc = facts.S,
            next = "SIGTERM first: a program can tidy up then.",
        }
    elseif kill and (kill.ns - term.ns) < grace * MS then
        fail {
            rule = "grace-cut-short",
            text = ("SIGKILL comes %.1f ms after SIGTERM. The program was to have %d ms."):format(
                (kill.ns - term.ns) / MS, grace),
            events = { term, kill },
            proc = facts.S,
            next = "What ends the wait between the two? Only the time limit, or the program's end.",
        }
    end
    if not term and facts.C then
        fail {
            rule = "not-stopped",
            text = "`stop` is readable, and the program has not got a signal.",
            events = { facts.exec },
            proc = facts.S,
            next = "The supervisor must wait for two things at once: the end of the program, and `stop`.",
        }
    elseif not kill and run.name == "does not listen" then
        fail {
            rule = "no-kill",
            text = "The program ignores SIGTERM, and SIGKILL never comes.",
            events = { term },
            proc = facts.S,
            next = "How long do you wait after SIGTERM, and what then?",
        }
    end
end

-- ---- waiting ----

local function is_timed(ev)
    return ev.op == "timer" or (ev.op == "poll" or ev.op == "sigwait") and ev.timeout and ev.timeout > 0
end

local function check_told(run)
    local facts = facts_of(run)
    if not facts.S then
        return
    end
    local term = sent(facts, "SIGTERM")
    local sleep = run:first { op = "sleep", proc = learner.family(run) }
    local timed = run:first { kind = "call", proc = facts.S, seq_to = term and term.seq, where = is_timed }
    if sleep or timed then
        fail {
            text = ("%s waits by the clock: %s."):format((sleep or timed).proc, learner.call(sleep or timed)),
            events = { sleep or timed },
            proc = (sleep or timed).proc,
            next = sleep and "A sleep does not end when the program does. poll() with a pidfd and a time limit does."
                or "Before SIGTERM there is nothing to be timed: wait without a limit.",
        }
    end
    local in_vain = run:events {
        kind = "call", proc = facts.S, seq_from = term and term.seq,
        where = function(ev) return is_timed(ev) and (ev.ret == 0 or ev.errno == "EAGAIN") end,
    }
    if #in_vain > 1 then
        fail {
            rule = "asks-in-steps",
            text = ("After SIGTERM the supervisor wakes %d times because time is over: %s ..."):format(#in_vain,
                learner.call(in_vain[1])),
            events = in_vain,
            proc = facts.S,
            next = "One wait, for the end of the program, with `grace` as its limit.",
        }
    end
    local busy = run:findings("busy-wait")[1]
    if busy then
        fail { rule = "busy-wait", text = busy.text .. ".", events = busy.events, proc = busy.proc, next = busy.next }
    end
end

local function check_elder(run)
    local facts = facts_of(run)
    local theft = facts.elder and run:first {
        op = "wait", proc = facts.S, child = facts.elder,
        where = function(ev) return not ev.flags.WNOWAIT and (ev.ret or -1) >= 0 end,
    }
    if theft then
        fail {
            text = ("The supervisor took the exit status of %s, which is not the program: %s."):format(facts.elder,
                learner.call(theft)),
            events = { theft },
            proc = facts.S,
            next = "waitpid(-1, ...) takes any child.",
        }
    end
end

local function check_status(run)
    local facts = facts_of(run)
    local child = facts.report and facts.C and run:at(facts.report.seq):proc(facts.C)
    if not facts.report then
        return -- check_ends tells
    elseif run.name == "no process" then
        if run:first { op = "fork", proc = facts.S, ret = -1 } and facts.returned ~= -1 then
            fail { rule = "fork-failure", text = ("fork() failed, and supervise() returned %d."):format(facts.returned),
                events = { facts.report }, proc = facts.S }
        end
        return
    end
    if child and child.state ~= "reaped" then
        fail {
            rule = child.state == "zombie" and "zombie" or "comes-back-early",
            text = ("supervise() has returned, and %s is %s."):format(facts.C,
                child.state == "zombie" and "a zombie" or "still running"),
            events = { facts.report },
            proc = facts.S,
        }
    end
    local signal, exit = facts.status % 128, facts.status // 256 % 256
    local is_right = child and (child.signal and signal ~= 0 or child.exit and signal == 0 and exit == child.exit)
    if child and (facts.returned ~= 0 or not is_right) then
        fail {
            text = ("%s %s. supervise() returned %d with %s."):format(facts.C,
                child.signal and "was killed by " .. child.signal or "ended with " .. child.exit, facts.returned,
                signal ~= 0 and "signal " .. signal or "exit status " .. exit),
            events = { facts.report },
            proc = facts.S,
        }
    end
end

-- ---- the supervisor's own death ----

-- Between the child's wish and its exec: does it look again whether its parent is there?
local function check_second_look(run, facts)
    local prctl = facts.exec and run:last { call = "prctl", proc = facts.C, seq_to = facts.exec.seq }
    local look = prctl and run:first {
        kind = "call", proc = facts.C, seq_from = prctl.exit_seq, seq_to = facts.exec.seq,
        where = function(ev) return ev.op ~= "exec" end,
    }
    if prctl and not look then
        local early = run:first { call = "getppid", proc = facts.C, seq_to = prctl.seq }
        fail {
            text = ("%s asks for a signal at its parent's death, %s, and makes no call between that and the exec%s.")
                :format(facts.C, learner.call(prctl), early and ". Before it: " .. learner.call(early) or ""),
            events = { early, prctl, facts.exec },
            proc = facts.C,
            next = "The parent can die just before the prctl(). Who is the parent after it?",
        }
    end
end

local function check_outlived(run)
    local facts = facts_of(run)
    check_second_look(run, facts)
    local last = facts.S and run:first { kind = "exit", proc = facts.S, seq_to = learner.stop(run) }
    if not facts.C or not last then
        return
    end
    if not facts.death then
        local prctl = run:first { call = "prctl", proc = facts.C }
        fail {
            text = ("The supervisor was killed, and %s lives on%s."):format(facts.C,
                not prctl and ": nothing tells it"
                or prctl.seq > last.seq and ": when it asked for a signal at its parent's death (" ..
                    learner.call(prctl) .. "), its parent was dead already"
                or ", in spite of " .. learner.call(prctl)),
            events = { facts.fork, last, prctl },
            proc = facts.C,
            next = prctl and "PR_SET_PDEATHSIG is about the future. After it, the child must look whether its parent "
                .. "is still the one that made it." or "prctl(2) has a way to ask for a signal when the parent dies.",
        }
    end
end

-- ---- the runs ----

local function runs(random)
    local grace = random(120, 180)
    local function spec(name, args, more)
        local one = { name = name, args = { "grace=" .. grace, table.unpack(args) }, limit = 10 }
        for key, value in pairs(more or {}) do
            one[key] = value
        end
        return one
    end
    local asked = { stdin = "x", feed = "when-quiet" }
    return {
        spec("ends by itself", { "program=short", "stop=never" }),
        spec("ends at once", { "program=short", "stop=never" }, { schedule = { "then: child first" } }),
        spec("ends later", { "program=short", "stop=never" }, { schedule = { "then: parent first" } }),
        spec("is asked", { "program=patient", "stop=stdin" }, asked),
        spec("does not listen", { "program=stubborn", "stop=stdin" }, asked),
        spec("is asked at once", { "program=patient", "stop=now" }),
        spec("the supervisor dies", { "program=patient", "stop=never", "die=asleep" }, asked),
        spec("the supervisor dies at once", { "program=patient", "stop=never", "die=fork" },
            { schedule = { "hold P.1.2 until P.1 ends" } }),
        spec("no process", { "program=short", "stop=never" }, { processes = 3 }),
    }
end

local LIVES = { "ends by itself", "ends at once", "ends later", "is asked", "does not listen", "is asked at once" }
local ASKED = { "is asked", "does not listen", "is asked at once" }
local DIES = { "the supervisor dies", "the supervisor dies at once" }

return grader {
    title = "Your peer can vanish at any instruction",
    exercise = "1-processes/proc-death",
    starter_fails = "not-stopped",
    runs = runs,
    checks = {
        {
            id = "started",
            title = "the program runs in a child",
            points = 5,
            rule = "not-started",
            why = "Without a program there is nothing to look after.",
            hints = { "fork(), then execv() in the child.", "The child ends by _exit() if execv() returns.",
                "execv(argv[0], argv); _exit(127);" },
            on = LIVES,
            check = check_started,
        },
        {
            id = "reaped",
            title = "no signal to a number that has been given back",
            points = 15,
            rule = "kill-after-reap",
            why = "Once it has been waited for, the number may be anybody's, and a late kill() hits a stranger.",
            hints = {
                "In which order do kill() and waitpid() come, on each way through your code?",
                "A zombie still has its number: signal before you wait.",
                "waitpid() is the last thing that is done with this number.",
            },
            on = LIVES,
            check = check_reaped,
        },
        {
            id = "alone",
            title = "it signals only when asked, and only the program",
            points = 10,
            rule = "unasked",
            why = "kill(pid, 0) says only that a number is in use: by the program, by its zombie, or by somebody else.",
            hints = {
                "Which signals does your supervisor send, to whom, and why?",
                "To know of the end no signal is needed, not even 0.",
                "SIGTERM when `stop` is readable; SIGKILL when the grace is over.",
            },
            on = LIVES,
            check = check_alone,
        },
        {
            id = "grace",
            title = "SIGTERM first, SIGKILL when the grace is over",
            points = 20,
            rule = "no-grace",
            why = "SIGTERM lets it tidy up. SIGKILL ends it in any case.",
            hints = {
                "What may happen between SIGTERM and the end of the grace?",
                "One wait for the end of the program, with the grace as its time limit; SIGKILL only if that is over.",
                "poll() of a pidfd (pidfd_open(2)) and `stop`, -1; kill(SIGTERM); poll() of the pidfd, grace.",
            },
            on = ASKED,
            check = check_grace,
        },
        {
            id = "told",
            title = "it is told of the end: nothing is asked again and again",
            points = 10,
            rule = "sleep",
            why = "Whoever looks every so often is late each time, and busy in between.",
            hints = {
                "Which call wakes up when a child ends?",
                "A pidfd is readable then; SIGCHLD comes, also through a signalfd.",
                "struct pollfd both[] = {{pidfd, POLLIN, 0}, {stop, POLLIN, 0}}; poll(both, 2, -1);",
            },
            on = LIVES,
            check = check_told,
        },
        {
            id = "elder",
            title = "nobody else's status is taken",
            points = 10,
            rule = "steals-a-child",
            why = "The caller may have other children.",
            hints = { "Which child does your wait wait for?", "waitpid(-1, ...) takes any.",
                "waitpid(pid, status, 0)" },
            on = LIVES,
            check = check_elder,
        },
        {
            id = "status",
            title = "it comes back with the status of the program, which has been waited for",
            points = 10,
            rule = "wrong-status",
            why = "How it ended is what the caller wants to know.",
            hints = { "Is it over when you return?", "waitpid() takes the zombie away and gives the status.",
                "waitpid(pid, status, 0), on each way out." },
            on = { "ends by itself", "ends at once", "ends later", "is asked", "does not listen", "is asked at once",
                "no process" },
            check = check_status,
        },
        {
            id = "outlived",
            title = "the program does not outlive its supervisor",
            points = 15,
            rule = "outlives",
            why = "A supervisor can be killed as well, at any instruction. Then nobody would ever stop the program.",
            hints = {
                "What happens to a child when its parent dies?",
                "Nothing, unless it has asked for a signal: prctl(2), PR_SET_PDEATHSIG. And if the parent was dead "
                    .. "before?",
                "Parent: remember getpid() before fork(). Child: prctl(PR_SET_PDEATHSIG, SIGKILL), then "
                    .. "if (getppid() != parent) _exit(1).",
            },
            on = DIES,
            check = check_outlived,
        },
        {
            id = "ends",
            title = "supervise() comes back",
            points = 5,
            rule = "deadlock",
            why = "A supervisor that sleeps for ever supervises nothing.",
            hints = { "Who sleeps, in which call?", "The finding names it.",
                "Look at the processes at the moment when the run got stuck." },
            check = standing.ends,
        },
    },
}
