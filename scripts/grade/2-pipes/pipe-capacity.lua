-- pipe-capacity: try_send() never sleeps, and nothing is lost, doubled or left behind.
--
-- The slow receiver acts only when every process is asleep (feed="when-quiet"): at each byte that it gets from
-- standard input it is certain where P sleeps, and that the others have read all there was. Whenever main() has
-- served a receiver it writes {receiver, result, records, bytes of the next} into a pipe: the state at that moment
-- is what try_send() left.
local learner = require "learner"
local spec = require "spec"

local REPORT, REPORT_SIZE, REPORTS_FD, FIRST_FD = "<i4i4i4i4", 16, 4, 8
local FIRST_LETTER, LETTERS = ("a"):byte(), 26

local function record(receiver, k, size)
    local bytes = {}
    for i = 0, size - 1 do
        bytes[i + 1] = string.char(FIRST_LETTER + (receiver * 7 + k * 3 + i + i // 97) % LETTERS)
    end
    return table.concat(bytes)
end

local function stream(run, receiver)
    local list = {}
    for k = 0, spec.number(run, "records") - 1 do
        list[#list + 1] = record(receiver, k, spec.number(run, "size"))
    end
    return table.concat(list)
end

local function reports_of(run)
    local list = {}
    for _, ev in ipairs(run:events { op = "write", proc = learner.name(run), fd = REPORTS_FD, size = REPORT_SIZE }) do
        local who, result, done, sent = string.unpack(REPORT, ev.data)
        list[#list + 1] = { who = who, result = result, done = done, sent = sent, event = ev }
    end
    return list
end

local function slow(run)
    return spec.number(run, "slow") or 0
end

-- The moments before the slow receiver acts, when all are asleep.
local function quiet_moments(run)
    local list = {}
    for _, sip in ipairs(run:events { op = "read", proc = learner.children(run)[slow(run) + 1], fd = 0 }) do
        list[#list + 1] = sip.exit_seq and sip.exit_seq - 1
    end
    return list
end

local function is_outlet(fd)
    return fd and fd >= FIRST_FD
end

-- A call in which somebody sleeps: without the result that it had much later.
local function asleep_in(call)
    return (learner.call(call):gsub(" = %-?%d+", ""))
end

local function check_alone(run)
    local P, receivers = learner.name(run), spec.number(run, "receivers")
    local count = run:count { op = "fork", proc = P }
    if count ~= receivers then
        fail {
            rule = count < receivers and "no-receivers" or nil,
            text = ("%s made %d processes or threads for %d receivers."):format(P, count, receivers),
            events = { run:last { op = "fork", proc = P } },
            proc = P,
            next = "main() makes the receivers. One thread can serve them all, if it sleeps where each can wake it.",
        }
    end
end

local function check_sleep(run)
    local P = learner.name(run)
    for _, seq in ipairs(quiet_moments(run)) do
        local proc = run:at(seq):proc(P)
        local call = proc and proc.blocked
        if call and call.op ~= "poll" and is_outlet(call.fd) then
            local pipe = run:at(seq):object(call.object)
            fail {
                text = ("%s sleeps in %s: %s has %d of %d bytes inside and no room. All other receivers wait for this "
                    .. "one."):format(P, asleep_in(call), pipe.name, pipe.fill, pipe.capacity),
                events = { call },
                proc = P,
                object = call.object,
                seq = seq,
                next = "Bytes that a pipe could hold are not room that it has: only a write that cannot sleep tells.",
            }
        end
    end
end

-- Everybody sleeps, and so does P, although a receiver that it has not finished with has read all it got.
local function check_held_up(run)
    local P = learner.name(run)
    for _, seq in ipairs(quiet_moments(run)) do
        local call = run:at(seq):proc(P).blocked
        for _, fd in ipairs(call and call.op ~= "wait" and run:at(seq):fds(P) or {}) do
            local pipe = is_outlet(fd.fd) and fd.object and run:at(seq):object(fd.object)
            if pipe and pipe.kind == "pipe" and pipe.fill == 0 then
                fail {
                    text = ("%s sleeps in %s, while %s (fd %d) is empty and its receiver waits for more."):format(P,
                        asleep_in(call), pipe.name, fd.fd),
                    events = { call },
                    proc = P,
                    object = fd.object,
                    seq = seq,
                    next = "Whichever of the pipes has room first must wake it up: all of them must be watched.",
                }
            end
        end
    end
end

local function check_ends(run)
    local how = run:ended().how
    if how == "ended" then
        return
    end
    local finding = run:findings(how)[1] or {}
    local blocked = learner.last_state(run, learner.name(run)):proc(learner.name(run)).blocked
    fail {
        rule = not blocked and "busy-wait" or nil,
        text = ("%s. %s %s."):format(finding.text or "The run did not end: " .. how, learner.name(run),
            blocked and "sleeps in " .. asleep_in(blocked) or "asks again and again, and never sleeps"),
        events = blocked and { blocked } or finding.events,
        proc = learner.name(run),
        object = finding.object,
        next = blocked and "What would wake it up? Look at what is watched, and for what."
            or "After 0 from try_send(), the next call must be one that sleeps until there is room.",
    }
end

-- The receiver that leaves before it has read everything.
local function leaver(run)
    return spec.has(run, "leaves") and slow(run) or nil
end

local function first_difference(one, other)
    for i = 1, math.min(#one, #other) do
        if one:byte(i) ~= other:byte(i) then
            return i - 1
        end
    end
    return math.min(#one, #other)
end

local function check_content(run)
    local P, size = learner.name(run), spec.number(run, "size")
    if not learner.exit(run, P) then
        return
    end
    for i, name in ipairs(learner.children(run)) do
        local parts, wanted = {}, stream(run, i - 1)
        for _, ev in ipairs(run:events { op = "read", proc = name }) do
            if ev.fd ~= 0 and ev.ret and ev.ret > 0 then
                parts[#parts + 1] = ev.data
            end
        end
        local got = table.concat(parts)
        local at = first_difference(got, wanted)
        local is_cut = at == #got and (i - 1 == leaver(run) or #got == #wanted)
        if not is_cut then
            local k, byte = at // size, at % size
            local write = run:last { op = "write", proc = P, fd = FIRST_FD + i - 1, where = function(ev)
                return ev.ret and ev.ret > 0 and ev.ret < ev.size
            end }
            local part = write and "; the last write that took only a part was " .. learner.call(write) or ""
            fail {
                text = ("Receiver %d got %d bytes of %d. They go wrong in record %d, at byte %d of %d%s."):format(i - 1,
                    #got, #wanted, k, byte, size, part),
                events = { write },
                proc = P,
                next = "After a partial write, go on with the first byte that was not taken: bytes + *sent.",
            }
        end
    end
end

local function check_flags(run)
    local P = learner.name(run)
    for _, report in ipairs(reports_of(run)) do
        for _, fd in ipairs(run:at(report.event.seq):fds(P)) do
            if is_outlet(fd.fd) and fd.nonblock then
                local set = run:last { op = { "status-flags", "nonblock" }, proc = P, seq_to = report.event.seq }
                fail {
                    text = ("try_send() returned %d and left O_NONBLOCK set on descriptor %d%s."):format(report.result,
                        fd.fd, set and (": " .. learner.call(set)) or ""),
                    events = { set, report.event },
                    proc = P,
                    object = fd.object,
                    seq = report.event.seq,
                    next = "The flag belongs to the open file description, and to all who share it. Set it back before "
                        .. "each return.",
                }
            end
        end
    end
end

local function check_descriptors(run)
    local P, expected = learner.name(run), FIRST_FD + spec.number(run, "receivers") - 1
    for _, report in ipairs(reports_of(run)) do
        for _, fd in ipairs(run:at(report.event.seq):fds(P)) do
            if fd.fd > expected or fd.fd > REPORTS_FD and fd.fd < FIRST_FD then
                fail {
                    text = ("try_send() opened descriptor %d and did not close it."):format(fd.fd),
                    events = { fd.event, report.event },
                    proc = P,
                    object = fd.object,
                    seq = report.event.seq,
                    next = "A second write end also keeps the receiver from its end of file.",
                }
            end
        end
    end
end

local function check_capacity(run)
    local P, capacity = learner.name(run), spec.number(run, "capacity") or 65536
    for _, report in ipairs(reports_of(run)) do
        for _, fd in ipairs(run:at(report.event.seq):fds(P)) do
            local object = is_outlet(fd.fd) and fd.object and run:at(report.event.seq):object(fd.object)
            if object and object.kind == "pipe" and object.capacity ~= capacity then
                fail {
                    text = ("The capacity of %s was %d bytes and is %d now."):format(object.name, capacity,
                        object.capacity),
                    events = { report.event },
                    proc = P,
                    object = fd.object,
                    seq = report.event.seq,
                    next = "A larger pipe is full a little later.",
                }
            end
        end
    end
end

local function check_gone(run)
    local P = learner.name(run)
    if not learner.exit(run, P) then
        return
    end
    for _, report in ipairs(reports_of(run)) do
        if report.who == leaver(run) and report.result == -1 then
            return
        end
    end
    local refused = run:first { op = "write", proc = P, errno = "EPIPE" }
    fail {
        text = ("Receiver %d has left, and try_send() never returned -1%s."):format(leaver(run),
            refused and " after " .. learner.call(refused) or ""),
        events = { refused, run:first { kind = "dying", proc = learner.children(run)[slow(run) + 1] } },
        proc = P,
        next = "EAGAIN means: not now. EPIPE means: never again.",
    }
end

-- try_send() may say -1 only when nobody reads.
local function check_no_false_alarm(run)
    local left = run:first { kind = "dying", proc = learner.children(run)[slow(run) + 1] }
    for _, report in ipairs(reports_of(run)) do
        local has_left = report.who == leaver(run) and left and left.seq < report.event.seq
        if report.result == -1 and not has_left then
            local write = run:last { op = { "write", "poll" }, proc = learner.name(run), seq_to = report.event.seq - 1 }
            fail {
                text = ("try_send() returned -1 for receiver %d, which is still there. Its last call was %s."):format(
                    report.who, write and learner.call(write) or "none"),
                events = { write, report.event },
                proc = learner.name(run),
                next = "EAGAIN is no error: it says that the pipe is full.",
            }
        end
    end
end

local function runs(random)
    local function run(name, sips, ...)
        return { name = name, args = { ... }, stdin = sips, feed = "when-quiet", limit = 6 }
    end
    local function size(least, most)
        return "size=" .. random(least, most)
    end
    return {
        run("records of 2049 bytes", "-abc", "receivers=3", "records=40", "size=2049"),
        run("a small pipe", "-acb", "receivers=2", "records=12", size(1500, 1900), "capacity=4096", "slow=1"),
        run("more than a page", "-jab", "receivers=2", "records=30", size(4097, 5000)),
        run("more than a pipe", "-dzzb", "receivers=3", "records=3", size(70000, 90000), "slow=2"),
        run("more than a small pipe", "-dbe", "receivers=3", "records=4", size(9000, 12000), "capacity=4096"),
        run("one leaves", "-a", "receivers=3", "records=40", size(2000, 2100), "leaves", "slow=" .. random(0, 2)),
        run("one leaves a record", "-c", "receivers=2", "records=2", size(70000, 80000), "leaves"),
    }
end

return grader {
    title = "Sixteen slots, not 65536 bytes",
    exercise = "2-pipes/pipe-capacity",
    starter_fails = "sleeps-in-write",
    runs = runs,
    checks = {
        {
            id = "alone",
            title = "one thread, no other process",
            points = 5,
            rule = "not-alone",
            why = "A helper that sleeps in P's place has to be made, fed, waited for and ended.",
            hints = {
                "What would the helper do? Sleep until there is room.",
                "One call can sleep for several pipes.",
                "poll(2), select(2) and epoll(7).",
            },
            check = check_alone,
        },
        {
            id = "never sleeps",
            title = "try_send() never sleeps, whatever the pipe holds",
            points = 25,
            rule = "sleeps-in-write",
            why = "One slow receiver must not hold up the others. How much fits cannot be told from the bytes inside: "
                .. "a pipe has slots, and their number differs.",
            hints = {
                "When does write() sleep, and how much is in the pipe then?",
                "Which flag makes write() say \"not now\" instead?",
                "fcntl(fd, F_SETFL, flags | O_NONBLOCK), write(), and set the flags back.",
            },
            check = check_sleep,
        },
        {
            id = "false alarm",
            title = "a full pipe is no error",
            points = 10,
            rule = "full-is-error",
            why = "EAGAIN is the answer to the question: does it fit now?",
            hints = {
                "What does errno say after the write that failed?",
                "EAGAIN: come again later.",
                "return errno == EAGAIN ? 0 : -1;",
            },
            check = check_no_false_alarm,
        },
        {
            id = "held up",
            title = "nobody waits for another receiver's pipe",
            points = 10,
            rule = "waits-for-one",
            why = "The purpose of a write that does not sleep is that P can turn to the others.",
            hints = {
                "Which pipe is P waiting for, and which one has room?",
                "wait_for_room() gets n descriptors. Which of them does it look at?",
                "One poll() for all n, each with POLLOUT.",
            },
            check = check_held_up,
        },
        {
            id = "ends",
            title = "it sleeps while nothing moves, and wakes up when something can",
            points = 10,
            rule = "stuck",
            why = "Asking again and again takes the processor from those who are to make room; waiting for the wrong "
                .. "thing waits for ever.",
            hints = {
                "What does P do after all pipes have said \"full\"?",
                "Which of the n pipes may be the first to have room?",
                "poll() with POLLOUT for each of the n descriptors, and -1 as the time limit.",
            },
            check = check_ends,
        },
        {
            id = "content",
            title = "every receiver gets its records, each byte once and in order",
            points = 10,
            rule = "wrong-bytes",
            why = "A write of more than PIPE_BUF bytes may take a part. What was taken is in the pipe and cannot be "
                .. "taken back; what was not is still to be sent.",
            hints = {
                "How many bytes did write() take?",
                "Where does the next write begin?",
                "write(fd, bytes + *sent, size - *sent), then *sent += n.",
            },
            check = check_content,
        },
        {
            id = "flags",
            title = "it leaves the flags as they were",
            points = 10,
            rule = "flags-left",
            why = "O_NONBLOCK is a property of the open file description: all who share it get EAGAIN.",
            hints = {
                "What does fcntl(fd, F_GETFL) say before and after?",
                "There is more than one way out of try_send().",
                "fcntl(fd, F_SETFL, old_flags) before each return.",
            },
            check = check_flags,
        },
        {
            id = "descriptors",
            title = "it opens nothing that stays open",
            points = 5,
            rule = "descriptor-left",
            why = "One more write end is one more that must be closed before the receiver sees the end.",
            hints = { "Which call of yours makes a descriptor?", "Who closes it?", "close() before each return." },
            check = check_descriptors,
        },
        {
            id = "capacity",
            title = "the pipe stays as large as it was",
            points = 5,
            rule = "larger-pipe",
            why = "Any capacity is too small for somebody who never reads, and the user's allowance is limited.",
            hints = {
                "What happens with one record more?",
                "The caller comes again when you return 0.",
                "Take F_SETPIPE_SZ out.",
            },
            check = check_capacity,
        },
        {
            id = "gone",
            title = "it tells when nobody reads any more",
            points = 5,
            rule = "epipe-hidden",
            why = "A receiver that has gone will never make room.",
            hints = {
                "What does write() say when the last read end has been closed?",
                "poll() reports POLLERR then, whether you ask for it or not.",
                "Return -1 for every error but EAGAIN and EINTR.",
            },
            on = { "one leaves", "one leaves a record" },
            check = check_gone,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 5,
            rule = "sleep",
            why = "Whatever time is chosen, it is too long or too short.",
            hints = {
                "Which call of yours has a time limit?",
                "The kernel knows when there is room.",
                "poll(..., -1) waits without a limit.",
            },
            check = learner.forbid_clock,
        },
    },
}
