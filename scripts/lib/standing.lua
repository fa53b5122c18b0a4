-- The standing checks: what holds for every exercise, whatever it is about. Each takes a run, as a check does, and
-- fails with a rule of its own; a check that wants to say more says it itself.
local learner = require "learner"
local standing = {}

-- The run ended by itself: no deadlock, no end of file that cannot come, no spin, no time limit.
function standing.ends(run)
    local how = run:ended().how
    if how == "ended" then
        return
    end
    local finding = run:findings(how)[1] or {}
    fail {
        rule = how,
        text = (finding.text or "The run did not end: " .. how) .. "." .. learner.legend(run),
        events = finding.events,
        proc = finding.proc,
        object = finding.object,
        next = finding.next,
    }
end

-- What a process leaves behind when it ends: the first child that it has not waited for.
local function unreaped(run, name)
    local last = learner.last_state(run, name)
    local child = learner.exit(run, name) and last:children(name)[1]
    return child and last:proc(child)
end

-- Every process of the learner's program that ended has waited for all its children: none is left a zombie, none
-- still runs.
function standing.reaps(run)
    for _, name in ipairs(learner.family(run)) do
        local child = unreaped(run, name)
        if child then
            local is_zombie = child.state == "zombie"
            fail {
                rule = is_zombie and "zombie" or "orphan",
                text = is_zombie and ("%s ended without having waited for %s, which was a zombie then."):format(name,
                    child.name) or ("%s ended while its child %s was still there."):format(name, child.name),
                events = { run:first { op = "fork", child = child.name }, learner.exit(run, name) },
                proc = child.name,
                next = "Whoever starts a process waits for its end.",
            }
        end
    end
end

local function by_number(fds)
    local numbers = {}
    for _, fd in ipairs(fds) do
        numbers[fd.fd] = fd
    end
    return numbers
end

-- Between two moments a process (the learner's first, if none is named) has left no descriptor open that it did
-- not have, and closed none that it had.
function standing.keeps_descriptors(run, from_seq, to_seq, name)
    name = name or learner.name(run)
    local before, after = run:at(from_seq):fds(name), run:at(to_seq):fds(name)
    local had, has = by_number(before), by_number(after)
    for _, fd in ipairs(after) do
        if not had[fd.fd] then
            local origin = run:first { id = fd.event }
            fail {
                rule = "fd-leak",
                text = ("%s has descriptor %d open, which it had not before%s."):format(name, fd.fd,
                    origin and (": " .. learner.call(origin)) or ""),
                events = { fd.event },
                proc = name,
                object = fd.object,
                next = "Whoever opens a descriptor closes it, on every way out.",
            }
        end
    end
    for _, fd in ipairs(before) do
        if not has[fd.fd] then
            local close = run:last { op = "close", proc = name, fd = fd.fd, seq_from = from_seq, seq_to = to_seq }
            fail {
                rule = "closed",
                text = ("%s has not descriptor %d any more%s."):format(name, fd.fd,
                    close and (": " .. learner.call(close)) or ""),
                events = { close },
                proc = name,
                object = fd.object,
                next = "It was lent: who opened it goes on using it.",
            }
        end
    end
end

-- Nobody waits by the clock, nobody computes while there is nothing to do.
standing.no_clock = learner.forbid_clock
standing.no_spin = learner.forbid_spinning

return standing
