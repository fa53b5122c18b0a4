-- pipe-chain: who holds which end at each exec, who waits when, and what is left.
--
-- A stage carries its number in argv ("stage-2"), so that it is known whatever the order of the forks. The
-- caller's own child, P.1, is there before and is nobody's business. What run_pipeline() returned, and the
-- statuses, main() writes into a pipe made for that.
local learner = require "learner"

-- Everything that the checks ask about a run.
local function facts_of(run)
    local P = "P" -- no partner: the stages are the only ones that exec, too
    local first = run:first { op = "fork", proc = P, where = function(ev) return ev.child ~= nil end }
    local facts = { P = P, n = #run.args, stages = {}, other = first and first.child }
    local execs = { op = "exec", where = function(ev) return ev.text:find('"stage%-%d+"') ~= nil end }
    for _, ev in ipairs(run:events(execs)) do
        local number = tonumber(ev.text:match('"stage%-(%d+)"'))
        local image = run:first { kind = "exec", proc = ev.proc, seq_from = ev.seq }
        facts.stages[number] = { number = number, name = ev.proc, exec = ev, word = run.args[number + 1],
            seq = image and image.seq or ev.seq, is_running = image ~= nil }
    end
    facts.forks = {}
    for _, fork in ipairs(run:events { op = "fork", proc = P }) do
        if fork.child and fork.child ~= facts.other then
            facts.forks[#facts.forks + 1] = fork
        end
    end
    local made = run:last { op = "pipe", proc = P }
    local writes = made and run:events { op = "write", proc = P, object = made.object } or {}
    if #writes == 2 and writes[1].size == 4 then
        facts.report, facts.made = writes[1], made
        facts.result = string.unpack("<i4", writes[1].data)
        facts.status = { string.unpack(("<i4"):rep(facts.n), writes[2].data) }
    end
    return facts
end

-- The pipes that run_pipeline() made.
local function pipes_of(run, facts)
    local mine = {}
    for _, ev in ipairs(run:events { op = "pipe", proc = facts.P }) do
        if ev.object and ev.id ~= (facts.made and facts.made.id) then
            mine[ev.object] = ev
        end
    end
    return mine
end

local function name_of(stage)
    return ("stage %d (%s, %s)"):format(stage.number, stage.word, stage.name)
end

local function held(fd)
    return (fd.read and fd.write and "both ends" or fd.read and "a read end" or "a write end")
end

-- The first wait for a stage after the first stage has been forked: { event, stage's name or nil }.
local function first_wait(run, facts)
    local from = facts.forks[1] and facts.forks[1].seq
    return from and run:first {
        op = { "wait", "sigsuspend", "pause", "sigwait" },
        proc = facts.P,
        seq_from = from,
        where = function(ev) return not ev.flags.WNOHANG and not (ev.target and ev.target == facts.other) end,
    }
end

local function check_stages(run)
    local facts = facts_of(run)
    if facts.result == -1 or not learner.exit(run, facts.P) then
        return
    end
    for i = 0, facts.n - 1 do
        local stage = facts.stages[i]
        local fork = stage and run:first { op = "fork", child = stage.name }
        if not stage or stage.name == facts.P or not fork or fork.proc ~= facts.P then
            fail {
                text = ("Stage %d (%s) was %s."):format(i, run.args[i + 1], not stage and "never started"
                    or stage.name == facts.P and "started in the place of P itself"
                    or ("started by %s, not by %s"):format(fork and fork.proc or "nobody", facts.P)),
                events = { stage and stage.exec },
                proc = facts.P,
                next = "One fork() and one execvp() for each stage, and P is the parent of all.",
            }
        end
    end
end

local function check_together(run)
    local facts = facts_of(run)
    local wait, last = first_wait(run, facts), facts.forks[#facts.forks]
    local failed = run:first { op = { "pipe", "fork" }, proc = facts.P, ret = -1, seq_to = wait and wait.seq }
    if not wait or failed or facts.result == -1 then
        return
    end
    if #facts.forks < facts.n or last.seq > wait.seq then
        local count = 0
        for _, fork in ipairs(facts.forks) do
            count = count + (fork.seq < wait.seq and 1 or 0)
        end
        fail {
            text = ("%s waits in %s when %d of %d stages have been started. A stage that writes more than a pipe holds "
                .. "will never end: its reader is not there yet."):format(facts.P, learner.call(wait), count, facts.n),
            events = { wait, last },
            proc = facts.P,
            seq = wait.seq,
            next = "Start all of them, then wait for all of them.",
        }
    end
end

local function fd_at(state, proc, number)
    for _, fd in ipairs(state:fds(proc)) do
        if fd.fd == number then
            return fd
        end
    end
end

local function check_connected(run)
    local facts = facts_of(run)
    local first = run:first { op = "fork", proc = facts.P, child = facts.other }
    local start = run:at(first and first.seq or 0)
    local before = fd_at(start, facts.P, 0)
    for i = 0, facts.n - 1 do
        local stage = facts.stages[i]
        if not stage then
            return
        end
        local state = run:at(stage.seq)
        local input, output = fd_at(state, stage.name, 0), fd_at(state, stage.name, 1)
        if not input or before == false or not before or input.object ~= before.object then
            fail {
                text = ("%s begins with descriptor 0 on %s. It should be %s."):format(name_of(stage),
                    input and input.object and state:object(input.object).name or "nothing",
                    i == 0 and "what P reads from" or "the pipe that stage " .. (i - 1) .. " writes into"),
                events = { stage.exec },
                proc = stage.name,
                seq = stage.seq,
                next = "dup2(end, 0) in the child, before execvp().",
            }
        end
        before = output or false
        if i == facts.n - 1 and (not output or output.object ~= fd_at(start, facts.P, 1).object) then
            fail {
                text = ("%s is the last and does not write to the standard output of P."):format(name_of(stage)),
                events = { stage.exec },
                proc = stage.name,
                seq = stage.seq,
            }
        end
    end
end

local function check_stage_ends(run)
    local facts = facts_of(run)
    local mine = pipes_of(run, facts)
    for i = 0, facts.n - 1 do
        local stage = facts.stages[i]
        for _, fd in ipairs(stage and stage.is_running and run:at(stage.seq):fds(stage.name) or {}) do
            local is_place = fd.fd == 0 and fd.read or fd.fd == 1 and fd.write
            if fd.object and mine[fd.object] and not is_place then
                fail {
                    text = ("%s begins with %s of %s at descriptor %d, which it does not know of: %s."):format(
                        name_of(stage), held(fd), run:at(stage.seq):object(fd.object).name, fd.fd,
                        fd.write and "whoever reads that pipe sees no end as long as this stage lives"
                            or "whoever writes that pipe is not told when its reader has gone"),
                    events = { mine[fd.object], stage.exec },
                    proc = stage.name,
                    object = fd.object,
                    seq = stage.seq,
                    next = "dup2() makes a second descriptor, and the first one stays: close() it, or use O_CLOEXEC.",
                }
            end
        end
    end
end

local function check_caller_ends(run)
    local facts = facts_of(run)
    local wait, mine = first_wait(run, facts), pipes_of(run, facts)
    local state = wait and run:at(wait.seq) or learner.last_state(run, facts.P)
    if not facts.forks[1] then
        return
    end
    for _, fd in ipairs(state:fds(facts.P)) do
        if fd.object and mine[fd.object] then
            fail {
                text = ("When %s waits for its stages it still holds %s of %s (fd %d): %s."):format(facts.P, held(fd),
                    state:object(fd.object).name, fd.fd,
                    fd.write and "the stage that reads it will never see the end"
                        or "the stage that writes it is not told when its reader has gone"),
                events = { mine[fd.object], wait },
                proc = facts.P,
                object = fd.object,
                seq = state.seq,
                next = "After the fork of a stage, P needs neither the end that it reads nor the end that it writes.",
            }
        end
    end
end

local function check_ends(run)
    local how = run:ended().how
    if how == "ended" then
        return
    end
    local finding = run:findings(how)[1] or {}
    fail {
        text = (finding.text or "The run did not end: " .. how) .. ".",
        events = finding.events,
        proc = finding.proc,
        object = finding.object,
        next = finding.next,
    }
end

local function check_no_program(run)
    local facts = facts_of(run)
    for _, stage in pairs(facts.stages) do
        local exit = not stage.is_running and learner.exit(run, stage.name)
        local write = not stage.is_running and stage.name ~= facts.P and run:first {
            op = "write",
            proc = stage.name,
            seq_from = stage.seq,
            fd = 1,
        }
        if write then
            fail {
                rule = "stdio-twice",
                text = ("%s could not be run, and wrote what P had in its stdio buffer: %s."):format(name_of(stage),
                    learner.call(write)),
                events = { stage.exec, write },
                proc = stage.name,
                next = "The child is a copy of P, its buffers included. exit() flushes them, _exit() does not.",
            }
        end
        if exit and stage.name ~= facts.P and exit.status.exit ~= 127 then
            fail {
                text = ("%s could not be run. It ended with %s, not with exit status 127."):format(name_of(stage),
                    exit.status.signal or "exit status " .. exit.status.exit),
                events = { stage.exec, exit },
                proc = stage.name,
                next = "execvp() comes back only when it has failed. What does the child do then?",
            }
        end
    end
end

local function check_statuses(run)
    local facts = facts_of(run)
    if facts.result ~= 0 then
        return
    end
    for i = 0, facts.n - 1 do
        local stage, said = facts.stages[i], facts.status[i + 1]
        local exit = stage and run:first { kind = "exit", proc = stage.name }
        local is_right = exit and (exit.status.exit and said == exit.status.exit * 256
            or exit.status.signal and said > 0 and said % 256 < 128 and said // 256 == 0)
        if exit and not is_right then
            fail {
                text = ("status[%d] is %d, but %s ended with %s."):format(i, said, name_of(stage),
                    exit.status.signal or "exit status " .. exit.status.exit),
                events = { run:first { op = "wait", proc = facts.P, child = stage.name }, exit, facts.report },
                proc = facts.P,
                next = "Each stage has a status of its own: waitpid(stage[i], &status[i], 0).",
            }
        end
    end
end

local function check_other_child(run)
    local facts = facts_of(run)
    local stolen = facts.other and run:first {
        op = "wait",
        proc = facts.P,
        child = facts.other,
        seq_to = facts.report and facts.report.seq,
        where = function(ev) return not ev.flags.WNOWAIT end,
    }
    if stolen then
        fail {
            text = ("%s collected %s, a child of the caller that is no stage: %s."):format(facts.P, facts.other,
                learner.call(stolen)),
            events = { stolen },
            proc = facts.P,
            next = "wait(NULL) takes any child. The caller will look for his, and not find it.",
        }
    end
end

local function check_left(run)
    local facts = facts_of(run)
    if not facts.report then
        local exit = learner.exit(run, facts.P)
        if exit and not exit.status.exit then
            fail { text = ("%s is killed by %s."):format(facts.P, exit.status.signal), events = { exit } }
        elseif exit and exit.status.exit ~= 0 then
            fail { text = "run_pipeline() did not return to main().", events = { exit }, proc = facts.P }
        end
        return
    end
    local state = run:at(facts.made.seq)
    local children = state:children(facts.P)
    for _, name in ipairs(children) do
        if name ~= facts.other then
            fail {
                rule = "stage-left",
                text = ("run_pipeline() returned %d and left %s, %s."):format(facts.result, name,
                    state:proc(name).state == "zombie" and "a zombie" or "which is still running"),
                events = { run:first { op = "fork", child = name }, facts.report },
                proc = name,
                seq = facts.made.seq,
                next = "What has been started must be collected, also when the rest could not be started.",
            }
        end
    end
    local mine = pipes_of(run, facts)
    for _, fd in ipairs(state:fds(facts.P)) do
        if fd.object and mine[fd.object] then
            fail {
                text = ("run_pipeline() returned %d and left descriptor %d open, %s of %s."):format(facts.result, fd.fd,
                    held(fd), state:object(fd.object).name),
                events = { mine[fd.object], facts.report },
                proc = facts.P,
                object = fd.object,
                seq = facts.made.seq,
                next = "Look at each way out of run_pipeline(): what is still open there?",
            }
        end
    end
    for number = 0, 2 do
        if not fd_at(state, facts.P, number) then
            fail { text = ("run_pipeline() closed descriptor %d of the caller."):format(number), proc = facts.P,
                seq = facts.made.seq }
        end
    end
end

-- With few descriptors the pipeline must run; with too few, or too few processes, it must say so.
local function check_thrifty(run)
    local facts = facts_of(run)
    local failed = run:last { op = "pipe", proc = facts.P, ret = -1 }
    if facts.result and facts.result ~= 0 then
        fail {
            text = ("run_pipeline() returned %d with %d stages and nine descriptors in all%s."):format(facts.result,
                facts.n, failed and ": " .. learner.call(failed) or ""),
            events = { failed, facts.report },
            proc = facts.P,
            next = "A pipe is needed when the stage at its end is started, not before.",
        }
    end
end

local function check_refused(run)
    local facts = facts_of(run)
    local failed = run:last { op = { "pipe", "fork" }, proc = facts.P, ret = -1, seq_to = facts.made and
        facts.made.seq }
    if failed and facts.result == 0 then
        fail {
            text = ("%s, and run_pipeline() returned 0."):format(learner.call(failed)),
            events = { failed, facts.report },
            proc = facts.P,
            next = "Look at the result of each pipe() and fork().",
        }
    end
end

local function runs(random)
    local big = "gen:" .. random(1100000, 1300000)
    local function many(n, middle)
        local args = { "gen:" .. random(100, 5000) }
        for _ = 1, n - 2 do
            args[#args + 1] = middle
        end
        args[#args + 1] = "exit:" .. random(1, 100)
        return args
    end
    return {
        { name = "a megabyte", args = { big, "cat", "cat", "count" }, stdin = "" },
        { name = "one stage", args = { "exit:" .. random(1, 100) }, stdin = "" },
        { name = "from standard input", args = { "cat", "take:3" }, stdin = random.bytes(20) },
        { name = "take collapses it", args = { big, "cat", "take:" .. random(10, 1000) }, stdin = "" },
        { name = "statuses", args = { "exit:" .. random(1, 50), "die", "exit:" .. random(51, 99), "count" },
            stdin = "" },
        { name = "no such program", args = { "gen:1000", "none", "count" }, stdin = "" },
        { name = "none of them", args = { "none", "none" }, stdin = "" },
        { name = "sixteen stages", args = many(16, "cat"), stdin = "", files = 9 },
        { name = "too few descriptors", args = { "gen:1000", "cat", "cat", "count" }, stdin = "", files = 5 },
        { name = "too few processes", args = { "cat", "cat", "cat", "count" }, stdin = "", processes = random(3, 5) },
    }
end

local WORKING = { "a megabyte", "one stage", "from standard input", "take collapses it", "statuses", "no such program",
    "none of them", "sixteen stages" }

return grader {
    title = "A pipeline is a set of closes",
    exercise = "2-pipes/pipe-chain",
    starter_fails = "one-after-the-other",
    runs = runs,
    checks = {
        {
            id = "together",
            title = "all stages are started before any is waited for",
            points = 15,
            rule = "one-after-the-other",
            why = "The stages feed each other: a writer can end only when somebody reads, and that is the next one.",
            hints = {
                "What does the first stage do when its pipe is full?",
                "Who would empty it, and has he been started?",
                "One loop that starts, and after it one loop that waits.",
            },
            on = WORKING,
            check = check_together,
        },
        {
            id = "stages",
            title = "a process for each stage, a child of the caller",
            points = 5,
            rule = "no-stages",
            why = "Only a parent can collect the status.",
            hints = {
                "How many forks, and by whom?",
                "A stage that starts the next one makes it a grandchild.",
                "for each i: fork(), and execvp() in the child.",
            },
            check = check_stages,
        },
        {
            id = "connected",
            title = "standard output of each stage is standard input of the next",
            points = 10,
            rule = "not-connected",
            why = "A program knows descriptors 0 and 1, and nothing about pipes.",
            hints = {
                "What are descriptors 0 and 1 of each stage when its program begins?",
                "The first one keeps our 0, the last one our 1.",
                "dup2(in, 0); dup2(p[1], 1);",
            },
            on = WORKING,
            check = check_connected,
        },
        {
            id = "stage ends",
            title = "a stage holds no other end of these pipes",
            points = 15,
            rule = "extra-end",
            why = "An end that a program does not know of stays open as long as it lives: a reader waits for it, or a "
                .. "writer is not stopped.",
            hints = {
                "How many descriptors refer to the pipe after dup2()?",
                "What has this child inherited from the stages before it?",
                "pipe2(p, O_CLOEXEC): copies made by dup2() stay, all else goes at exec.",
            },
            check = check_stage_ends,
        },
        {
            id = "caller's ends",
            title = "the caller holds none while it waits",
            points = 15,
            rule = "caller-keeps-end",
            why = "P is a process like any other: an end that it holds counts.",
            hints = {
                "Which ends does P hold after it has started stage i?",
                "The next stage needs one of them, and then nobody in P.",
                "After each fork: close(in); close(p[1]); in = p[0];",
            },
            check = check_caller_ends,
        },
        {
            id = "ends",
            title = "the pipeline ends",
            points = 5,
            rule = "stuck",
            why = "Every end that is held too long keeps somebody asleep.",
            hints = {
                "Who sleeps, and in which call?",
                "The finding says who could wake it.",
                "Look at the descriptors of that process.",
            },
            check = check_ends,
        },
        {
            id = "no program",
            title = "a program that cannot be run gives 127, and nothing else",
            points = 10,
            rule = "not-127",
            why = "The child is a copy of P: what it does after a failed exec, P would do a second time.",
            hints = {
                "When does execvp() return?",
                "What is in the buffers of stdio, and who writes it?",
                "_exit(127);",
            },
            on = { "no such program", "none of them" },
            check = check_no_program,
        },
        {
            id = "statuses",
            title = "the status of each stage",
            points = 5,
            rule = "wrong-status",
            why = "A failure in the middle is as much a failure as one at the end.",
            hints = {
                "In which order do the stages end?",
                "Which status does waitpid() store, and where?",
                "waitpid(stage[i], &status[i], 0) for each i.",
            },
            on = WORKING,
            check = check_statuses,
        },
        {
            id = "other child",
            title = "it collects no child but its own",
            points = 5,
            rule = "foreign-child",
            why = "A library that takes any child takes the caller's, too.",
            hints = {
                "Which children does wait() wait for?",
                "The caller has one as well.",
                "waitpid() with the number of the stage.",
            },
            check = check_other_child,
        },
        {
            id = "left",
            title = "nothing is left when it returns",
            points = 5,
            rule = "descriptor-left",
            why = "What is left by each call is what a server dies of in the third week.",
            hints = {
                "Which descriptors and children are there afterwards that were not there before?",
                "There is more than one way out.",
                "On failure, too: close what is open, wait for who was started.",
            },
            check = check_left,
        },
        {
            id = "thrifty",
            title = "sixteen stages with six descriptors",
            points = 5,
            rule = "too-many-descriptors",
            why = "There is a limit on descriptors, and the caller needs them, too.",
            hints = {
                "How many pipes are open at the same time?",
                "Of each pipe, one stage has been started and the other comes next.",
                "Make pipe i just before stage i.",
            },
            on = { "sixteen stages" },
            check = check_thrifty,
        },
        {
            id = "refused",
            title = "it says so when a pipe or a process could not be made",
            points = 5,
            rule = "failure-hidden",
            why = "Half a pipeline that reports success is the worst of all results.",
            hints = {
                "What do pipe() and fork() return when there is nothing left?",
                "What becomes of the stages that run already?",
                "Close the ends, wait for what was started, return -1.",
            },
            on = { "too few descriptors", "too few processes" },
            check = check_refused,
        },
    },
}
