-- pipe-deadlock: both messages arrive, whatever the habits of the peer, and nobody waits in a circle.
--
-- The partner `peer` runs the learner's program with a pipe to descriptor 0 and one from descriptor 1. When
-- exchange() has returned 0, main() writes a digest of 8 bytes: what came before it was the exchange. When
-- it has returned -1, main() exits with 1.
local learner = require "learner"

local DIGEST_SIZE, NO_EXCHANGE = 8, 1
local PEER_DID_NOT_GET, PEER_GOT_OTHER = 4, 5

local function argument(run, name)
    for _, arg in ipairs(run.args) do
        local value = arg:match("^" .. name .. "=(%d+)$")
        if value then
            return tonumber(value)
        end
    end
end

-- Is this last write, after so many bytes, the digest? The program may write its message by eights, too.
local function is_digest(facts, ev)
    return ev.size == DIGEST_SIZE and (facts.sent >= facts.send
        or not (facts.has_exited and facts.exit.status.exit == NO_EXCHANGE)
            and facts.sent + DIGEST_SIZE ~= facts.send)
end

-- The pipes behind descriptors 0 and 1, the moment when the exchange was over, and what was moved until then.
local function facts_of(run)
    local P = learner.name(run)
    local exec = run:first { kind = "exec", proc = P }
    local facts = { P = P, exec = exec, sent = 0, got = 0, send = argument(run, "send"),
        receive = argument(run, "receive") }
    for _, fd in ipairs(run:at(exec.seq):fds(P)) do
        if fd.fd == 0 then
            facts.from = fd.object
        elseif fd.fd == 1 then
            facts.to = fd.object
        end
    end
    facts.exit = learner.exit(run, P)
    facts.has_exited = facts.exit and facts.exit.status.exit ~= nil
    facts.writes = run:events { op = { "write", "vmsplice" }, proc = learner.family(run), object = facts.to,
        seq_from = exec.seq }
    for i, ev in ipairs(facts.writes) do
        if i == #facts.writes and is_digest(facts, ev) then
            facts.over = ev
        else
            facts.sent = facts.sent + math.max(ev.ret or 0, 0)
        end
    end
    facts.reads = run:events {
        op = "read",
        proc = learner.family(run),
        object = facts.from,
        seq_from = exec.seq,
        seq_to = facts.over and facts.over.seq,
    }
    for _, ev in ipairs(facts.reads) do
        facts.got = facts.got + math.max(ev.ret or 0, 0)
    end
    return facts
end

local function check_alone(run)
    local P = learner.name(run)
    local fork = run:first { op = "fork", proc = P }
    if fork then
        fail {
            text = ("%s made another process or thread: %s."):format(P, learner.call(fork)),
            events = { fork },
            proc = P,
            next = "One thread can serve both directions, if it sleeps only where either can wake it.",
        }
    end
end

local function check_reads_enough(run)
    local facts = facts_of(run)
    if facts.got > facts.receive then
        fail {
            text = ("%s read %d bytes, %d more than the message has: they belong to whoever reads next."):format(
                facts.P, facts.got, facts.got - facts.receive),
            events = { facts.reads[#facts.reads] },
            proc = facts.P,
            object = facts.from,
        }
    end
end

local function check_open(run)
    local facts = facts_of(run)
    local close = run:first { op = "close", proc = facts.P, fd = { 0, 1 }, ret = 0,
        seq_to = facts.over and facts.over.seq }
    if close and facts.exit and not (facts.over and facts.over.ret == DIGEST_SIZE) then
        fail {
            text = ("%s closed descriptor %d during the exchange: %s. It was the caller's."):format(facts.P, close.fd,
                learner.call(close)),
            events = { close },
            proc = facts.P,
        }
    end
end

local function check_hangup(run)
    local facts = facts_of(run)
    if facts.has_exited and facts.sent >= facts.send and facts.got < facts.receive then
        local last = run:last { op = { "poll", "read" }, proc = facts.P, where = function(ev)
            return ev.op == "poll" or ev.object == facts.from
        end }
        fail {
            text = ("The peer wrote %d bytes and closed. %s read %d of them and stopped after %s."):format(
                facts.receive, facts.P, facts.got, last and learner.call(last) or "nothing"),
            events = { last },
            proc = facts.P,
            object = facts.from,
            next = "POLLHUP says that nobody will write any more. What has been written is still in the pipe.",
        }
    end
end

local function check_all_moved(run)
    local facts = facts_of(run)
    if facts.has_exited and (facts.sent < facts.send or facts.got < facts.receive) then
        local last = facts.sent < facts.send and facts.writes[#facts.writes] or facts.reads[#facts.reads]
        fail {
            text = ("%s sent %d of %d bytes and received %d of %d%s."):format(facts.P, facts.sent, facts.send,
                facts.got, facts.receive, last and ("; the last call was " .. learner.call(last)) or ""),
            events = { last },
            proc = facts.P,
        }
    end
end

local function check_content(run)
    local exit = run:ended().exit
    if exit == PEER_GOT_OTHER then
        fail { text = "The peer got other bytes than " .. learner.name(run) .. " was to send.",
            next = "After a partial write, go on with the first byte that was not taken." }
    elseif exit == PEER_DID_NOT_GET then
        fail { text = learner.name(run) .. " has other bytes in its buffer than the peer sent.",
            next = "Each read continues where the last one ended." }
    end
end

local function check_not_stuck(run)
    local how = run:ended().how
    if how == "ended" then
        return
    end
    local facts = facts_of(run)
    local blocked = learner.last_state(run, facts.P):proc(facts.P).blocked
    local finding = run:findings(how)[1] or {}
    local progress = ("%s has sent %d of %d bytes and received %d of %d"):format(facts.P, facts.sent, facts.send,
        facts.got, facts.receive)
    fail {
        rule = (how == "deadlock" or how == "never-eof") and "deadlock" or how, -- here, each is the other's writer
        text = ("%s. %s%s.%s"):format(finding.text or "The run did not end: " .. how, progress,
            blocked and ", and sleeps in " .. learner.call(blocked) or "", learner.legend(run)),
        events = blocked and { blocked } or finding.events,
        proc = facts.P,
        object = finding.object,
        next = "It must never sleep in a call that waits for one direction only.",
    }
end

local function check_flags(run)
    local facts = facts_of(run)
    local has_failed = facts.has_exited and facts.exit.status.exit == NO_EXCHANGE
    local after = facts.over and run:at(facts.over.seq) or has_failed and learner.last_state(run, facts.P)
    local before = {}
    for _, fd in ipairs(run:at(facts.exec.seq):fds(facts.P)) do
        before[fd.fd] = fd
    end
    for _, fd in ipairs(after and after:fds(facts.P) or {}) do
        if fd.fd <= 1 and before[fd.fd] and fd.nonblock ~= before[fd.fd].nonblock then
            local set = run:last { op = { "status-flags", "nonblock" }, proc = facts.P, fd = fd.fd,
                seq_to = after.seq }
            fail {
                text = (fd.nonblock and "exchange() %s and left O_NONBLOCK set on descriptor %d%s."
                    or "exchange() %s and took O_NONBLOCK away from descriptor %d, which had it before%s."):format(
                    has_failed and "returned -1" or "returned 0", fd.fd,
                    set and (": " .. learner.call(set)) or ""),
                events = { set },
                proc = facts.P,
                object = fd.object,
                next = "The flag belongs to the open file description, which others may share: set it back, "
                    .. "to what it was, on every way out.",
            }
        end
    end
end

local function check_broken_off(run)
    if learner.was_spinning(run) then
        return -- and was killed
    end
    local facts = facts_of(run)
    local exit = facts.exit
    if not exit or exit.status.exit == NO_EXCHANGE then
        return
    end
    local refused = run:first { op = "write", proc = facts.P, object = facts.to, errno = "EPIPE" }
    fail {
        text = refused and ("The peer reads no more: %s. But exchange() did not return -1."):format(
            learner.call(refused))
            or ("The peer broke off after %d of %d bytes, but exchange() did not return -1."):format(facts.got,
                facts.receive),
        events = { refused or facts.reads[#facts.reads], exit },
        proc = facts.P,
        object = refused and facts.to or facts.from,
        next = refused and "EPIPE is not EAGAIN: there will never be room again."
            or "read() returned 0 before everything was there.",
    }
end

local function runs(random)
    local function spec(name, habit, send, receive, ...)
        local args = { habit, "send=" .. send, "receive=" .. receive, "seed=" .. random(1, 1000000000), ... }
        return { name = name, args = args, stdin = random.bytes(8), partner = "peer", limit = 15 }
    end
    -- Pipes are small, so that messages that do not fit can be small, too: a program may move byte by byte.
    local capacity = "capacity=4096"
    local nothing = spec("peer takes nothing", "takes-nothing",
        -- more than any pipe of an unprivileged user can be made to hold (pipe(7), pipe-max-size)
        5 * 256 * 1024 + random(1, 5000), random(10000, 15000), capacity)
    nothing.ignore = { "SIGPIPE" }
    local any_order = spec("any order", "writes-first", random(9000, 12000), random(9000, 12000), capacity,
        "ordered=1")
    any_order.orders = 15
    return {
        spec("peer writes first", "writes-first", random(10000, 20000), random(10000, 20000), capacity),
        spec("peer reads first", "reads-first", random(10000, 20000), random(10000, 20000), capacity),
        spec("peer dribbles", "dribbles", random(15000, 20000), random(15000, 20000), capacity),
        spec("peer half-closes", "half-closes", random(10000, 20000), random(10000, 20000), capacity,
            "nonblock=1"),
        spec("send only", "half-closes", random(10000, 20000), 0, capacity),
        spec("receive only", "writes-first", 0, random(10000, 20000), capacity),
        spec("peer hangs up", "hangs-up", random(1, 5000), random(30000, 60000)),
        spec("peer breaks off", "breaks-off", random(1, 5000), random(10000, 20000)),
        nothing,
        any_order,
    }
end

local WHOLE = { "peer writes first", "peer reads first", "peer dribbles", "peer half-closes", "send only",
    "receive only" }

return grader {
    title = "Two full buffers make a cycle",
    exercise = "2-pipes/pipe-deadlock",
    starter_fails = "deadlock",
    partners = { "peer" },
    runs = runs,
    checks = {
        {
            id = "alone",
            title = "one thread, no other process",
            points = 5,
            rule = "not-alone",
            why = "A helper cures the deadlock, too, but it has to be made, paid for, waited for and killed.",
            hints = {
                "What would the helper do? Sleep in one direction.",
                "There are calls that sleep for several descriptors at once.",
                "poll(2), select(2) and epoll(7).",
            },
            check = check_alone,
        },
        {
            id = "spin",
            title = "it sleeps when nothing can move",
            points = 10,
            rule = "busy-wait",
            why = "O_NONBLOCK alone turns a deadlock into a busy loop: the processor is taken from the peer.",
            hints = {
                "What does your loop do when both calls say EAGAIN?",
                "poll() with the time limit -1 sleeps until a descriptor is ready.",
                "Watch a direction only while it has bytes left: what is finished is always ready.",
            },
            check = learner.forbid_spinning,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 5,
            rule = "sleep",
            why = "Each sleep delays bytes that could move, or wakes up for nothing.",
            hints = {
                "What wakes your program up when a byte can move?",
                "A time limit hides that a direction is not watched.",
                "poll(..., -1), with both directions in the array.",
            },
            check = learner.forbid_clock,
        },
        {
            id = "whole",
            title = "all bytes are sent and received before it returns",
            points = 10,
            rule = "bytes-missing",
            why = "write() may take less than it was given, read() may bring less than was asked for.",
            hints = {
                "How many bytes did write() say it took?",
                "EAGAIN means: not now. It is no error.",
                "Count what was moved in each direction; go on until both are complete.",
            },
            on = WHOLE,
            check = check_all_moved,
        },
        {
            id = "beyond",
            title = "it reads its message and not a byte more",
            points = 5,
            rule = "reads-too-much",
            why = "What follows in the pipe belongs to the next reader, and cannot be put back.",
            hints = {
                "How many bytes does your read() ask for?",
                "Never ask for more than what is missing.",
                "read(in_fd, in + got, m - got)",
            },
            check = check_reads_enough,
        },
        {
            id = "open",
            title = "it leaves the descriptors open",
            points = 5,
            rule = "closed",
            why = "They were lent: the caller goes on using them.",
            hints = { "Who opened them?", "Who closes them?", "Take the close() out." },
            on = WHOLE,
            check = check_open,
        },
        {
            id = "circle",
            title = "no circle, whatever the peer does first",
            points = 25,
            rule = "deadlock",
            why = "A pipe holds a limited number of bytes. Whoever sleeps until it has room waits for the reader.",
            hints = {
                "Which call does it sleep in, and who could wake it?",
                "While it sleeps in write(), it does not read; the peer may be waiting for just that.",
                "Make both descriptors non-blocking and sleep only in poll(), for both directions.",
            },
            check = check_not_stuck,
        },
        {
            id = "content",
            title = "both sides have the right bytes",
            points = 10,
            rule = "wrong-bytes",
            why = "A count that is right can hide bytes that are sent twice or written to the wrong place.",
            hints = {
                "Where does the next write begin after a partial one?",
                "Where does the next read put its bytes?",
                "out + sent and in + got",
            },
            on = WHOLE,
            check = check_content,
        },
        {
            id = "hangup",
            title = "it reads what is left after the peer has hung up",
            points = 10,
            rule = "hangup-as-eof",
            why = "POLLHUP comes as soon as the last writer is gone, with its bytes still in the pipe.",
            hints = {
                "Which comes first, POLLHUP or the end of the file?",
                "POLLIN and POLLHUP can come together.",
                "On either, read(); only its 0 is the end.",
            },
            on = { "peer hangs up" },
            check = check_hangup,
        },
        {
            id = "flags",
            title = "it leaves the flags as they were, whatever it returns",
            points = 10,
            rule = "flags-left",
            why = "O_NONBLOCK is a property of the open file description: all who share it get EAGAIN.",
            hints = {
                "What does fcntl(fd, F_GETFL) say before and after?",
                "Keep the old flags of both descriptors.",
                "fcntl(fd, F_SETFL, old_flags) before each return.",
            },
            check = check_flags,
        },
        {
            id = "broken off",
            title = "it says so when the peer breaks off",
            points = 5,
            rule = "eof-unreported",
            why = "Half a message taken for a whole one is the worst of all results.",
            hints = {
                "What does read() return when nobody can write any more, and write() when nobody can read?",
                "0 before m bytes are there is an error, and so is EPIPE.",
                "if (size == 0) return -1, with the flags set back; of write's errors, only EAGAIN and EINTR pass.",
            },
            on = { "peer breaks off", "peer takes nothing" },
            check = check_broken_off,
        },
    },
}
