-- pipe-sigpipe: nobody is lost but those who left, and the caller notices nothing of SIGPIPE.
--
-- After each fan_out() main() writes {-1, returned, gone} into a pipe, and a receiver {who, bytes, digest}: so
-- each call has an end that can be seen, and the state at that moment is what the caller got back.
local learner = require "learner"
local spec = require "spec"

local REPORT, REPORT_SIZE, FIRST_FD = "<i4i4I8", 16, 6
local SIGPIPE = 13

local function message_bytes(k, size)
    local bytes = {}
    for i = 0, size - 1 do
        bytes[i + 1] = (i * 31 + k * 7 + i // 251) % 256
    end
    return bytes
end

-- The digest of all messages, as a receiver makes it: FNV-1a.
local function expected_digest(run)
    local digest = 0xcbf29ce484222325
    for k = 0, spec.number(run, "messages") - 1 do
        for _, byte in ipairs(message_bytes(k, spec.number(run, "size"))) do
            digest = (digest ~ byte) * 0x100000001b3
        end
    end
    return digest
end

-- Which receivers leave, and from which message on they are missed.
local function leavers_of(run)
    local leaves = {}
    for _, arg in ipairs(run.args) do
        local who, k = arg:match("^leave=(%d+)@(%d+)$")
        if who then
            leaves[tonumber(who)] = tonumber(k)
        end
    end
    local deaf = spec.number(run, "deaf")
    if deaf and not run.stdin:find("r", 1, true) then
        leaves[deaf] = 0
    end
    return leaves
end

-- The calls of fan_out(): { k, from (moment), to, returned, gone, report }; the one that was never reported
-- has `to` and no report.
local function calls_of(run)
    local P, list = learner.name(run), {}
    local forks = run:events { op = "fork", proc = P }
    local from = #forks > 0 and forks[#forks].seq or 0
    for _, ev in ipairs(run:events { op = "write", proc = P, size = REPORT_SIZE, ret = REPORT_SIZE, fd = 4 }) do
        local who, returned, gone = string.unpack(REPORT, ev.data)
        if who == -1 then
            list[#list + 1] = { k = #list, from = from, to = ev.seq, returned = returned, gone = gone, report = ev }
            from = ev.seq
        end
    end
    if #list < spec.number(run, "messages") then
        list[#list + 1] = { k = #list, from = from, to = learner.stop(run) or run:final().seq }
    end
    return list
end

local function to_fd(receiver)
    return FIRST_FD + receiver
end

local function last_failed_write(run, seq)
    return run:last { op = "write", proc = learner.name(run), errno = "EPIPE", seq_to = seq }
end

local function check_frame(run)
    local P = learner.name(run)
    local count = run:count { op = "fork", proc = P }
    if count ~= spec.number(run, "receivers") then
        fail {
            rule = count < spec.number(run, "receivers") and "no-receivers" or nil,
            text = ("%s made %d processes or threads for %d receivers."):format(P, count,
                spec.number(run, "receivers")),
            events = { run:last { op = "fork", proc = P } },
            proc = P,
            next = "main() makes the receivers; fan_out() makes nothing.",
        }
    end
end

local function check_survives(run)
    local P = learner.name(run)
    local exit = learner.exit(run, P)
    if not exit or exit.status.signal ~= "SIGPIPE" then
        return
    end
    local last = run:last { kind = "call", proc = P }
    local write = last_failed_write(run, exit.seq)
    if last and last.op == "sigmask" then
        fail {
            rule = "pending-left",
            text = ("%s unblocks SIGPIPE with %s, and is killed: one that its writes had caused was pending."):format(
                P, learner.call(last)),
            events = { write, last },
            proc = P,
            next = "A blocked signal is kept, not dropped. Which call takes a pending signal away?",
        }
    end
    fail {
        text = ("%s is killed by SIGPIPE in %s: nobody reads there any more. errno is never looked at."):format(P,
            write and learner.call(write) or "a write"),
        events = { write, exit },
        proc = P,
        object = write and write.object,
        next = "What does SIGPIPE do to a process that has not said what to do with it?",
    }
end

-- Calls on a receiver that is known to have gone.
local function check_leaves_alone(run)
    local P = learner.name(run)
    for receiver = 0, spec.number(run, "receivers") - 1 do
        local all = { op = "write", proc = P, fd = to_fd(receiver) }
        local first = run:first { op = "write", proc = P, fd = to_fd(receiver), errno = "EPIPE" }
        all.seq_from = first and first.seq + 1
        local again = first and run:first(all)
        if again then
            fail {
                text = ("%s learned from %s that receiver %d has gone, and calls %s all the same; %d more in all.")
                    :format(P, learner.call(first), receiver, learner.call(again), run:count(all)),
                events = { first, again },
                proc = P,
                object = first.object,
                next = "After EPIPE, nothing will ever be read there: remember it in is_gone[].",
            }
        end
    end
end

-- How fan_out() left off with the deaf receiver, if it turned to something else while that was still there.
local function check_interrupted(run)
    local P, deaf = learner.name(run), spec.number(run, "deaf")
    local leaves = run:first { kind = "dying", proc = learner.children(run)[deaf + 1] }
    for _, call in ipairs(calls_of(run)) do
        local last = run:last { op = "write", proc = P, fd = to_fd(deaf), seq_from = call.from, seq_to = call.to }
        local next_one = last and run:first {
            op = "write",
            proc = P,
            seq_from = last.seq + 1,
            where = function(ev) return ev.fd ~= 4 or ev.size == REPORT_SIZE end, -- not the handler's
        }
        local is_hasty = next_one and (not leaves or next_one.seq < leaves.seq)
        if is_hasty and last.errno == "EINTR" then
            fail {
                rule = "eintr-as-gone",
                text = ("A signal interrupted %s, and %s gave receiver %d up. It was still there."):format(
                    learner.call(last), P, deaf),
                events = { last },
                proc = P,
                next = "EINTR says that nothing has been written, and nothing is wrong: write again.",
            }
        elseif is_hasty and last.ret and last.ret >= 0 and last.ret < last.size then
            fail {
                rule = "short-write",
                text = ("%s wrote %d of %d bytes in %s and left it at that."):format(P, last.ret, last.size,
                    learner.call(last)),
                events = { last },
                proc = P,
                next = "A signal makes a write return early with what it had written: go on with the rest.",
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

local function check_others(run)
    local P = learner.name(run)
    if not learner.exit(run, P) then
        return
    end
    local leaves, digest = leavers_of(run), expected_digest(run)
    local wanted = spec.number(run, "messages") * spec.number(run, "size")
    local children = learner.children(run)
    for receiver = 0, spec.number(run, "receivers") - 1 do
        local name = children[receiver + 1]
        local report = run:last { op = "write", proc = name, size = REPORT_SIZE, fd = 4 }
        local _, got, its_digest = string.unpack(REPORT, report and report.data or ("\0"):rep(REPORT_SIZE))
        if not leaves[receiver] and (got ~= wanted or its_digest ~= digest) then
            local write = run:last { op = "write", proc = P, fd = to_fd(receiver) }
            fail {
                text = ("Receiver %d (%s) never left, and got %d of %d bytes%s. The last write to it was %s."):format(
                    receiver, name, got, wanted, got == wanted and ", not the right ones" or "",
                    write and learner.call(write) or "none"),
                events = { report, write },
                proc = P,
                next = "One receiver's leaving must not be felt by another.",
            }
        end
    end
end

local function check_told(run)
    local leaves, receivers = leavers_of(run), spec.number(run, "receivers")
    for _, call in ipairs(calls_of(run)) do
        local gone, count = 0, 0
        for receiver, k in pairs(leaves) do
            if k <= call.k then
                gone, count = gone | 1 << receiver, count + 1
            end
        end
        if call.report and (call.gone ~= gone or call.returned ~= receivers - count) then
            fail {
                text = ("Of message %d, fan_out() says that it reached %d receivers, and has marked %s as gone. "
                    .. "It has reached %d, and %d have gone."):format(call.k, call.returned,
                    call.gone == 0 and "nobody" or ("receivers with the bits 0x%x"):format(call.gone),
                    receivers - count, count),
                events = { last_failed_write(run, call.to), call.report },
                proc = learner.name(run),
                next = "is_gone[i] becomes true at EPIPE, and those who have gone are not counted.",
            }
        end
    end
end

local function check_disposition(run)
    local P = learner.name(run)
    local host = spec.text(run, "host")
    local wanted = host == "handler" and "handler" or "default"
    local own = host == "handler" and run:first { op = "sigaction", proc = P, sig = "SIGPIPE" }
    for _, call in ipairs(calls_of(run)) do
        if call.report then
            local is, set = run:at(call.to):handler(P, "SIGPIPE"),
                run:last { op = "sigaction", proc = P, sig = "SIGPIPE", handler = { "default", "ignore", "handler" },
                    seq_to = call.to }
            local other = is == "handler" and own and set and set.id ~= own.id and set.text ~= own.text
            if is ~= wanted or other then
                fail {
                    text = ("fan_out() returns, and SIGPIPE is not handled as before: the last to set it was %s. "
                        .. "Before, it was %s."):format(learner.call(set),
                        own and learner.call(own) or "the default action"),
                    events = { set, call.report },
                    proc = P,
                    seq = call.to,
                    next = "A program that is started now inherits an ignored SIGPIPE, and will not stop when nobody "
                        .. "reads its output. sigaction() can keep what was there, with flags and mask.",
                }
            end
        end
    end
end

local function check_mask(run)
    local P = learner.name(run)
    local wanted = spec.text(run, "host") == "blocked"
    for _, call in ipairs(calls_of(run)) do
        local is = call.report and run:at(call.to):blocks(P, "SIGPIPE")
        if call.report and is ~= wanted then
            local set = run:last { op = "sigmask", proc = P, seq_to = call.to }
            fail {
                text = ("fan_out() returns with SIGPIPE %s; before, it was %s."):format(
                    is and "blocked" or "not blocked", wanted and "blocked" or "not"),
                events = { set, call.report },
                proc = P,
                seq = call.to,
                next = "Set the mask back to what the first sigprocmask() said that it was. A handler that is left by "
                    .. "longjmp() leaves its signal blocked.",
            }
        end
    end
end

local function check_own_handler(run)
    local P = learner.name(run)
    local called = run:first {
        op = "write",
        proc = P,
        fd = 4,
        size = 4,
        where = function(ev) return string.unpack("<i4", ev.data) == SIGPIPE end,
    }
    if called then
        fail {
            text = ("The caller's handler for SIGPIPE was called: %s brought it about."):format(
                learner.call(last_failed_write(run, called.seq) or called)),
            events = { last_failed_write(run, called.seq), called },
            proc = P,
            next = "Only what fan_out() does to the signal while it writes can keep it from the caller.",
        }
    end
end

local function check_descriptors(run)
    local P = learner.name(run)
    for _, call in ipairs(calls_of(run)) do
        if call.report then
            local before = {}
            for _, fd in ipairs(run:at(call.from):fds(P)) do
                before[fd.fd] = call.k > 0 or fd.fd ~= 5 -- main() is about to close the newest read end
            end
            for _, fd in ipairs(run:at(call.to):fds(P)) do
                if fd.nonblock then
                    fail {
                        rule = "flags-left",
                        text = ("fan_out() left O_NONBLOCK set on descriptor %d."):format(fd.fd),
                        events = { run:last { op = { "status-flags", "nonblock" }, proc = P, seq_to = call.to } },
                        proc = P,
                        seq = call.to,
                        next = "The caller did not ask for it, and will get EAGAIN.",
                    }
                end
                if not before[fd.fd] then
                    fail {
                        text = ("fan_out() left descriptor %d open, which was not there before."):format(fd.fd),
                        events = { fd.event, call.report },
                        proc = P,
                        seq = call.to,
                    }
                end
                before[fd.fd] = nil
            end
            for number, is_missed in pairs(before) do
                if is_missed then
                    local close = run:last { op = { "close", "close-range" }, proc = P, seq_from = call.from,
                        seq_to = call.to }
                    fail {
                        text = ("fan_out() closed descriptor %d: %s. It is the caller's."):format(number,
                            close and learner.call(close) or "?"),
                        events = { close, call.report },
                        proc = P,
                        seq = call.to,
                    }
                end
            end
        end
    end
end

local function runs(random)
    local function run(name, more, tugs)
        local args = { "receivers=" .. random(3, 5), "messages=" .. random(3, 4), "size=" .. random(500, 4000),
            table.unpack(more) }
        return { name = name, args = args, stdin = tugs, feed = tugs and "when-quiet" or nil }
    end
    local leaver = random(0, 1)
    return {
        run("one leaves", { ("leave=%d@%d"):format(random(0, 2), random(1, 2)) }),
        run("one after the other", { "receivers=4", "messages=4", "leave=2@0", "leave=0@1", "leave=3@2" }),
        run("all leave", { "receivers=3", "messages=3", "leave=1@0", "leave=2@1", "leave=0@1" }),
        run("sockets", { "sockets", ("leave=%d@%d"):format(leaver, random(1, 2)) }),
        run("caller has a handler", { "host=handler", ("leave=%d@%d"):format(leaver, random(0, 1)) }),
        run("caller blocks it", { "host=blocked", ("leave=%d@%d"):format(leaver, random(0, 1)) }),
        -- more than a pipe holds: the deaf one leaves while P sleeps in a write to it
        run("one leaves meanwhile", { "size=" .. random(70000, 90000), "messages=2", "deaf=" .. random(0, 2) }, ""),
        run("one leaves a socket", { "sockets", "size=" .. random(300000, 320000), "messages=1",
            "deaf=" .. random(0, 2) }, ""),
        run("interrupted", { "size=" .. random(70000, 90000), "messages=2", "deaf=" .. random(0, 2) }, "ii"),
        run("interrupted, then heard", { "size=" .. random(70000, 90000), "messages=2", "deaf=" .. random(0, 2) },
            "iir"),
    }
end

return grader {
    title = "You die before errno",
    exercise = "2-pipes/pipe-sigpipe",
    starter_fails = "killed-by-sigpipe",
    runs = runs,
    checks = {
        {
            id = "survives",
            title = "P survives a receiver that has gone",
            points = 15,
            rule = "killed-by-sigpipe",
            why = "SIGPIPE comes with EPIPE, and its default action ends the process before write() can return.",
            hints = {
                "How did P end? Nothing of P runs after that write.",
                "A signal can be ignored, blocked, or handled. Which of these lets write() return?",
                "Ignore SIGPIPE before the first write, and set back what was there before you return.",
            },
            check = check_survives,
        },
        {
            id = "frame",
            title = "no other process, no thread",
            points = 5,
            rule = "not-alone",
            why = "A helper has to be paid for, waited for and ended, and the caller would notice it.",
            hints = { "Who makes the receivers?", "What would a helper do that you cannot?", "Take the fork() out." },
            check = check_frame,
        },
        {
            id = "leaves alone",
            title = "no call on a receiver that has gone",
            points = 10,
            rule = "writes-to-nobody",
            why = "Whoever goes on after EPIPE does so for ever: it is the second half of what SIGPIPE was made for.",
            hints = {
                "What does your loop do when write() returns -1?",
                "Not every -1 is a reason to try again.",
                "At EPIPE: is_gone[i] = true, and on to the next receiver.",
            },
            check = check_leaves_alone,
        },
        {
            id = "interrupted",
            title = "an interrupted write is resumed",
            points = 10,
            rule = "eintr-as-gone",
            why = "A signal handler makes write() return early: with what it has written, or with EINTR.",
            hints = {
                "How many bytes did this write() take?",
                "There are two ways to be interrupted: with some bytes written, and with none.",
                "Loop until size bytes are written; on EINTR, write again.",
            },
            on = { "interrupted", "interrupted, then heard" },
            check = check_interrupted,
        },
        {
            id = "ends",
            title = "it comes to an end",
            points = 5,
            rule = "no-end",
            why = "A loop that takes every error for a passing one never ends.",
            hints = {
                "Which call does it make again and again, and what does that return?",
                "EINTR will pass. EPIPE will not.",
                "Leave the loop at any error but EINTR.",
            },
            check = check_ends,
        },
        {
            id = "others",
            title = "whoever stays gets everything",
            points = 15,
            rule = "receiver-lost",
            why = "One who leaves must not take the others with him.",
            hints = {
                "Which receivers come after the one that left?",
                "What happens in your loop at the first EPIPE?",
                "continue with the next i; each has its own is_gone[i].",
            },
            check = check_others,
        },
        {
            id = "told",
            title = "it tells who has gone, and how many it reached",
            points = 10,
            rule = "wrong-account",
            why = "An EPIPE that nobody is told of is an EPIPE ignored.",
            hints = {
                "What does is_gone[] hold when fan_out() returns?",
                "Is somebody counted who left in the middle of the message?",
                "Count a receiver when all of its bytes have been written.",
            },
            check = check_told,
        },
        {
            id = "disposition",
            title = "SIGPIPE is handled as before",
            points = 10,
            rule = "disposition-left",
            why = "Whatever a library does to a signal, it does to the whole process and to all it will start: an "
                .. "ignored signal stays ignored through exec.",
            hints = {
                "What would `yes | head -1` do if yes had inherited an ignored SIGPIPE?",
                "Who could have set it before you, and to what?",
                "sigaction(SIGPIPE, &mine, &before) ... sigaction(SIGPIPE, &before, NULL)",
            },
            check = check_disposition,
        },
        {
            id = "mask",
            title = "SIGPIPE is blocked or not, as before",
            points = 5,
            rule = "mask-left",
            why = "The mask is the caller's, too, and is inherited by everything it starts.",
            hints = {
                "Which calls change the mask? A handler that runs does so, too.",
                "Was it blocked before?",
                "sigprocmask(SIG_BLOCK, &set, &before) ... sigprocmask(SIG_SETMASK, &before, NULL)",
            },
            check = check_mask,
        },
        {
            id = "own handler",
            title = "the caller's own handler is not called",
            points = 5,
            rule = "handler-called",
            why = "The caller's handler is for the caller's writes.",
            hints = {
                "Which disposition is in force while you write?",
                "If it is the caller's, his handler runs.",
                "Replace it, or block the signal, before the first write.",
            },
            on = { "caller has a handler" },
            check = check_own_handler,
        },
        {
            id = "descriptors",
            title = "the caller's descriptors stay as they are",
            points = 5,
            rule = "descriptors-changed",
            why = "They were lent. Their numbers may be given to something else as soon as they are closed.",
            hints = { "Who opened them?", "Who will close them?", "Take the close() out." },
            check = check_descriptors,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 5,
            rule = "sleep",
            why = "A receiver is gone when write() says so, not when it has been silent for a while.",
            hints = {
                "Which call of yours has a time limit?",
                "A write() that sleeps wakes up when there is room, and when nobody reads any more.",
                "Take the time limit out: the kernel tells you.",
            },
            check = learner.forbid_clock,
        },
    },
}
