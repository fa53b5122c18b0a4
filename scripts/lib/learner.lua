-- What graders ask about the learner's program, whoever started it.
local learner = {}

-- The process that runs the learner's program. Where a partner runs instead, the learner's is the one
-- process that the partner started by exec.
function learner.name(run)
    local exec = run.partner and run:first { kind = "exec", where = function(ev) return ev.proc ~= "P" end }
    return exec and exec.proc or "P"
end

-- All processes of the learner's program: it, and whatever it forked, over all generations.
function learner.family(run)
    local first = learner.name(run)
    local names = { first }
    for _, proc in ipairs(run:procs()) do
        if proc.name:sub(1, #first + 1) == first .. "." then
            names[#names + 1] = proc.name
        end
    end
    return names
end

-- Its children: names, in the order of birth.
function learner.children(run)
    local first = learner.name(run)
    local names = {}
    for _, fork in ipairs(run:events { op = "fork", proc = first }) do
        if fork.child and fork.child ~= first then
            names[#names + 1] = fork.child
        end
    end
    return names
end

-- "read(3, ..., 64) = 5 at line 41", as far as the line is known.
function learner.call(event)
    local text = event.text
    if (event.op == "read" or event.op == "write") and event.fd and event.size then
        local result = event.errno and " = -1 " .. event.errno or event.ret and " = " .. event.ret or ""
        text = ("%s(%d, ..., %d)%s"):format(event.call, event.fd, event.size, result)
    end
    return text .. (event.line and (" at line " .. event.line) or "")
end

-- For texts that name the processes of a run in which a partner started the learner's program.
function learner.legend(run)
    local name = learner.name(run)
    return name == "P" and "" or (" (%s is your program; P is the test that started it.)"):format(name)
end

-- The moment at which a run that did not end was stopped from outside; nil when it ended by itself.
function learner.stop(run)
    local note = run:ended().how ~= "ended" and run:last { kind = "note" }
    return note and note.seq or nil
end

-- The task by which a process began: its other threads may end before it.
local function first_task(run, proc)
    local first = run:first { proc = proc }
    return first and first.tid
end

-- The exit event of a process that ended by itself, before the run was stopped.
function learner.exit(run, proc)
    return run:first { kind = "exit", proc = proc, tid = first_task(run, proc), seq_to = learner.stop(run) }
end

-- The last state in which a process was there: before it began to end, or when the run was stopped.
function learner.last_state(run, proc)
    local dying = run:first { kind = { "dying", "exit" }, proc = proc, tid = first_task(run, proc),
        seq_to = learner.stop(run) }
    local stop = learner.stop(run)
    return dying and run:at(dying.seq - 1) or stop and run:at(stop) or run:final()
end

-- Whether it is this call's purpose to let time pass: a sleep, a timer, or a wait that ends by itself.
local function is_clock(event)
    if event.op == "sleep" or event.op == "timer" or event.call == "timerfd_create" then
        return true
    end
    return (event.op == "poll" or event.op == "sigwait") and event.timeout and event.timeout > 0
end

-- Fails when a process of the learner's program waits by the clock.
function learner.forbid_clock(run)
    local event = run:first { proc = learner.family(run), kind = "call", where = is_clock }
    if event then
        fail {
            rule = "sleep",
            text = event.proc .. " waits by the clock: " .. learner.call(event)
                .. ". Whatever time is chosen, it is too long or too short.",
            events = { event },
            next = "Find the call that sleeps until the thing itself happens, without a time limit.",
        }
    end
end

-- Whether the partner saw processor time being used where there was nothing to do, and so killed the
-- program: its exit status says so.
function learner.was_spinning(run)
    local PARTNER_SAW_SPINNING = 3
    return learner.name(run) ~= "P" and run:ended().exit == PARTNER_SAW_SPINNING
end

function learner.forbid_spinning(run)
    if not learner.was_spinning(run) then
        return
    end
    local busiest, most = learner.name(run), -1
    for _, name in ipairs(learner.family(run)) do
        local calls = run:count { proc = name, kind = "call" }
        if calls > most then
            busiest, most = name, calls
        end
    end
    local last = run:last { proc = busiest, kind = "call", where = function(ev) return ev.op ~= "exit" end }
    fail {
        rule = "busy-wait",
        text = busiest .. " used a processor all the time while there was nothing to do"
            .. (last and (": again and again " .. learner.call(last)) or "") .. ".",
        events = { last },
        proc = busiest,
        next = "Look at what it calls, over and over: none of these calls sleeps.",
    }
end

return learner
