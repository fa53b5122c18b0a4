-- proc-stdio: every byte that is printed leaves once, by the right process, and before somebody waits for it.
--
-- The server reads the pipe `to` and writes the pipe `from`; the log and the questions are files without a
-- name that the fixed part makes. So what was asked, heard and logged, by whom and when, are all events.
local learner = require "learner"
local standing = require "standing"

local function argument(run, name)
    for _, arg in ipairs(run.args) do
        local value = arg:match("^" .. name .. "=(.*)$")
        if value then
            return tonumber(value) or value
        end
    end
end

local function lines_of(text)
    local list = {}
    for line in text:gmatch("[^\n]*\n?") do
        if line ~= "" then
            list[#list + 1] = line
        end
    end
    return list
end

-- Writes into an object, in the order in which they were over: a call may be held at its entry.
local function written(run, object, procs)
    local list = object and run:events {
        op = "write", object = object, proc = procs, where = function(ev) return (ev.ret or -1) > 0 end,
    } or {}
    table.sort(list, function(one, other) return one.exit_seq < other.exit_seq end)
    return list
end

-- Everything that the checks ask about a run.
local function facts_of(run)
    local P = learner.name(run)
    local facts = { P = P, questions = lines_of(run.stdin), exit = learner.exit(run, P) }
    facts.server = learner.children(run)[1]
    local pipes = run:events { op = "pipe", proc = P, ret = 0 } -- the fixed part makes two, before all others
    facts.to, facts.from = pipes[1] and pipes[1].object, pipes[2] and pipes[2].object
    local files = run:events { call = "memfd_create", proc = P, where = function(ev) return ev.object ~= nil end }
    facts.file, facts.log = files[1] and files[1].object, files[2] and files[2].object
    facts.asked = written(run, facts.to, P)
    facts.logged = written(run, facts.log)
    facts.stop = learner.stop(run)
    return facts
end

-- What the log must hold after so many turns.
local function expected_log(facts, turns, said)
    local list = { "the log begins\n" }
    for i = 1, turns do
        local question = facts.questions[i]:gsub("\n", "")
        list[#list + 1] = question .. " -> " .. question:upper() .. "\n"
    end
    list[#list + 1] = said .. " turns\n"
    return list
end

-- How many turns the server lets happen.
local function possible_turns(run, facts)
    return math.min(#facts.questions, argument(run, "deaf") or math.huge, argument(run, "mute") or math.huge)
end

local function quoted(line)
    return ("%q"):format(line:sub(1, 60)):gsub("\\\n", "\\n")
end

-- ---- sending ----

-- The first moment at which P waits for an answer to a question that has not left it.
local function check_sent(run)
    local facts = facts_of(run)
    local sent, heard, due = 0, 0, 0
    local sizes = {} -- of the first i questions together
    for i, question in ipairs(facts.questions) do
        sizes[i] = (sizes[i - 1] or 0) + #question
    end
    for _, ev in ipairs(run:events { op = { "read", "write" }, proc = facts.P, seq_to = facts.stop }) do
        if ev.op == "write" and ev.object == facts.to then
            sent = sent + math.max(ev.ret or 0, 0)
        elseif ev.op == "read" and ev.object == facts.from then
            due = sizes[heard + 1] or due
            if sent < due then
                fail {
                    text = ("%s waits for answer %d, %s. Of the questions so far, %d bytes of %d have been written; "
                        .. "the rest is in its buffer."):format(facts.P, heard + 1, learner.call(ev), sent, due),
                    events = { ev },
                    proc = facts.P,
                    object = facts.to,
                    next = "Which call empties the buffer of a stream, and where must it stand?",
                }
            end
            local _, answers = (ev.data or ""):sub(1, math.max(ev.ret or 0, 0)):gsub("\n", "")
            heard = heard + answers
        end
    end
    if #facts.asked == 0 and #facts.questions > 0 then
        fail {
            rule = "not-asked",
            text = facts.P .. " has not asked anything.",
            events = { facts.exit },
            proc = facts.P,
        }
    end
end

-- A child that moves the offset of the file of questions makes P read some of them again.
local function check_offset(run, facts)
    local seek = facts.file and run:first {
        op = "seek",
        object = facts.file,
        where = function(ev) return ev.proc ~= facts.P and (ev.ret or -1) >= 0 end,
    }
    local fork = seek and run:first { op = "fork", child = seek.proc }
    if seek then
        fail {
            rule = "offset-moved",
            text = ("%s, a child, moved the offset of the file of questions: %s. It is %s's offset, too: what %s has "
                .. "in its buffer, it will read again."):format(seek.proc, learner.call(seek), facts.P, facts.P),
            events = { fork, seek },
            proc = seek.proc,
            object = facts.file,
            next = "exit() gives back what an input stream has read and not used. "
                .. "How does a child end that owns no stream?",
        }
    end
end

-- Each question once, by a write of its own.
local function check_questions(run)
    local facts = facts_of(run)
    check_offset(run, facts)
    local seen = {}
    for i, ev in ipairs(facts.asked) do
        local wanted = facts.questions[i]
        local data = ev.data:sub(1, ev.ret)
        if data ~= wanted then
            local is_part = wanted and #data < #wanted and wanted:sub(1, #data) == data
            if seen[data] and not is_part then
                fail {
                    rule = "asked-twice",
                    text = ("%s asks %s a second time."):format(facts.P, quoted(data)),
                    events = { seen[data], ev },
                    proc = facts.P,
                }
            end
            fail {
                text = ("Write %d to the server is %s. Question %d is %s."):format(i, quoted(data), i,
                    quoted(wanted or "none")),
                events = { ev },
                proc = facts.P,
                object = facts.to,
                next = "One write(2) for each question: let the stream collect it, then flush once.",
            }
        end
        seen[data] = ev
    end
end

-- ---- the log ----

-- The writes by which a line came out, and by whom.
local function writers_of(events, line)
    local list, names = {}, {}
    for _, ev in ipairs(events) do
        for _, one in ipairs(lines_of(ev.data:sub(1, ev.ret))) do
            if one == line then
                list[#list + 1] = ev
                names[#names + 1] = ev.proc
            end
        end
    end
    return list, #names <= 3 and table.concat(names, ", ")
        or ("%s and %d others"):format(table.concat(names, ", ", 1, 2), #names - 2)
end

local function last_fork_before(run, facts, event)
    return run:last { op = "fork", proc = facts.P, child = event.proc ~= facts.P and event.proc or nil,
        seq_to = event.seq }
end

local function check_twice(run, facts, events, lines, where)
    for _, line in ipairs(lines) do
        local list, names = writers_of(events, line)
        if #list > 1 then
            fail {
                rule = "duplicated",
                text = ("%s was printed once and came out %d times in %s, written by %s."):format(quoted(line), #list,
                    where, names),
                events = { last_fork_before(run, facts, list[1]), table.unpack(list, 1, math.min(#list, 4)) },
                proc = list[1].proc,
                next = "What a stream holds at a fork, both processes hold. Empty it before.",
            }
        end
    end
end

local STDOUT = { "the conversation begins\n", "the conversation ends\n" }

local function check_once(run)
    local facts = facts_of(run)
    local turns = possible_turns(run, facts)
    local stdout = run:events { op = "write", fd = 1, proc = learner.family(run) }
    local first = facts.logged[1] and lines_of(facts.logged[1].data)[1]
    check_twice(run, facts, facts.logged, { first, table.unpack(expected_log(facts, turns, turns)) }, "the log")
    check_twice(run, facts, stdout, STDOUT, "standard output")
end

local function check_log(run)
    local facts = facts_of(run)
    if not facts.exit then
        fail {
            text = ("%s did not come to its end: %d times somebody wrote into the log."):format(facts.P,
                #facts.logged),
            events = { facts.logged[#facts.logged] },
            proc = facts.P,
        }
    end
    local turns = possible_turns(run, facts)
    local said = turns == #facts.questions and turns or -1
    local pieces = {}
    for _, ev in ipairs(facts.logged) do
        pieces[#pieces + 1] = ev.data:sub(1, ev.ret)
    end
    local found = lines_of(table.concat(pieces))
    for i, line in ipairs(expected_log(facts, turns, said)) do
        if found[i] ~= line and (said ~= -1 or i <= turns + 1) then
            local list = writers_of(facts.logged, line)
            fail {
                rule = list[1] and "wrong-order" or nil,
                text = ("Line %d of the log is %s; it should be %s%s."):format(i, quoted(found[i] or "missing"),
                    quoted(line), list[1] and ", which " .. list[1].proc .. " wrote at another place"
                    or ", which nobody wrote"),
                events = { list[1], facts.logged[#facts.logged] },
                object = facts.log,
                next = list[1] and "Who may write at this moment, and who has to be waited for before?"
                    or "Look at the end of the process that should have written it.",
            }
        end
    end
end

local function check_children(run)
    local facts = facts_of(run)
    local turns = possible_turns(run, facts)
    local wrote = {}
    for i, line in ipairs(expected_log(facts, turns, turns)) do
        local list = writers_of(facts.logged, line)
        local is_turn = i > 1 and i <= turns + 1
        local ev = list[1]
        if is_turn and ev and (ev.proc == facts.P or wrote[ev.proc]) then
            fail {
                text = ev.proc == facts.P and ("%s itself wrote %s into the log."):format(ev.proc, quoted(line))
                    or ("%s wrote the lines of two turns, %s and %s."):format(ev.proc, quoted(wrote[ev.proc]),
                        quoted(line)),
                events = { ev },
                proc = ev.proc,
                next = "One child for each turn.",
            }
        elseif is_turn and ev then
            wrote[ev.proc] = line
        end
    end
end

-- ---- failures ----

-- What went wrong in this run: the call that told it, and in words.
local function trouble(run, facts)
    if argument(run, "deaf") then
        local write = run:first { op = "write", object = facts.to, errno = "EPIPE" }
        return write, "The server had hung up"
    elseif argument(run, "mute") then
        local read = run:first { op = "read", proc = facts.P, object = facts.from, ret = 0 }
        return read, "The server had ended without an answer"
    end
    local write = run:first { op = "write", errno = "ENOSPC" }
    return write, "The log could not be written"
end

local function check_failures(run)
    local facts = facts_of(run)
    local call, what = trouble(run, facts)
    if not facts.exit then
        fail { text = ("%s: %s never came back from converse()."):format(what, facts.P), events = { call },
            proc = facts.P }
    elseif facts.exit.status.exit ~= 1 then
        fail {
            text = ("%s%s. converse() did not return -1: %s."):format(what,
                call and (": " .. call.proc .. ", " .. learner.call(call)) or ", and nobody noticed",
                facts.exit.status.exit == 0 and "as if all had been well" or "the program ended otherwise"),
            events = { call, facts.exit },
            proc = facts.P,
            next = "fprintf() only fills memory. The result of fflush() tells, and a child's exit status.",
        }
    end
    local asked = run:count { op = "write", object = facts.to, proc = facts.P, seq_from = call and call.seq + 1 or 0 }
    if call and asked > 0 and facts.exit then
        fail {
            rule = "goes-on",
            text = ("%s: %s, %s. After that %s asked %d more questions."):format(what, call.proc,
                learner.call(call), facts.P, asked),
            events = { call },
            proc = facts.P,
            next = "It is to stop where it fails.",
        }
    end
end

local function check_zombies(run)
    local facts = facts_of(run)
    if not facts.exit then
        return
    end
    local last = learner.last_state(run, facts.P)
    for _, name in ipairs(last:children(facts.P)) do
        if name ~= facts.server then
            fail {
                text = ("%s ends and has not waited for %s."):format(facts.P, name),
                events = { run:first { op = "fork", proc = facts.P, child = name }, facts.exit },
                proc = name,
                next = "The child's exit status is also the only way to know whether the line was written.",
            }
        end
    end
end

-- ---- the runs ----

local function questions(random, count, longest)
    local list = {}
    for i = 1, count do
        local letters = {}
        for k = 1, random(longest // 2, longest) do
            letters[k] = string.char(random(97, 122))
        end
        list[i] = i .. " " .. table.concat(letters) .. "\n"
    end
    return table.concat(list)
end

local function runs(random)
    return {
        { name = "a talk", stdin = questions(random, random(4, 7), 20), limit = 10 },
        { name = "a long talk", stdin = questions(random, 45, 180), limit = 20 },
        { name = "in any order", stdin = questions(random, 2, 8), orders = 8, limit = 20 },
        { name = "the last one first", stdin = questions(random, 2, 8), schedule = { "order: P P.1 P.3 P.2" },
            limit = 10 },
        { name = "hangs up", args = { "deaf=" .. random(1, 2) }, stdin = questions(random, 5, 20), limit = 10 },
        { name = "says nothing", args = { "mute=" .. random(1, 2) }, stdin = questions(random, 5, 20), limit = 10 },
        { name = "the log is full", args = { "log=/dev/full", "header=0" }, stdin = questions(random, 3, 20),
            limit = 10 },
        { name = "the log was full", args = { "log=/dev/full" }, stdin = questions(random, 3, 20), limit = 10 },
    }
end

local TALKS = { "a talk", "a long talk", "in any order", "the last one first" }
local LOGGED = { "a talk", "a long talk", "in any order", "the last one first", "hangs up", "says nothing" }

return grader {
    title = "Bytes in a FILE are nowhere yet",
    exercise = "1-processes/proc-stdio",
    starter_fails = "unsent",
    runs = runs,
    checks = {
        {
            id = "sent",
            title = "a question leaves before its answer is waited for",
            points = 15,
            rule = "unsent",
            why = "Who waits for an answer to a question that nobody has heard waits for ever.",
            hints = {
                "Where is the question when fputs() has returned?",
                "In a buffer. How many bytes would make it leave by itself?",
                "if (fputs(question, to) == EOF || fflush(to) == EOF) return -1;",
            },
            on = LOGGED,
            check = check_sent,
        },
        {
            id = "questions",
            title = "each question is asked once, by one write",
            points = 15,
            rule = "many-writes",
            why = "A buffer is there to make one call of many small ones. And a line that is read twice is a job done "
                .. "twice.",
            hints = {
                "Which calls write to the server, and how much does each carry?",
                "If a question comes again: who has moved the offset of the file that it is read from?",
                "In the child: _exit(). It gives nothing back and writes nothing out.",
            },
            on = LOGGED,
            check = check_questions,
        },
        {
            id = "once",
            title = "what was printed comes out once",
            points = 20,
            rule = "duplicated",
            why = "After a fork two processes have the same bytes in a buffer, and each may write them.",
            hints = {
                "Which streams hold bytes at the moment of the fork?",
                "The log does (the caller's header), and standard output does.",
                "Before the fork: fflush(log). In the child: write the line, fflush(log), _exit().",
            },
            on = LOGGED,
            check = check_once,
        },
        {
            id = "log",
            title = "the log is complete and in order",
            points = 15,
            rule = "lost",
            why = "A line that is still in a buffer when its process ends was never written.",
            hints = {
                "Who empties the child's buffer, and when?",
                "_exit() does not. And P goes on printing into the same log: when may it?",
                "Child: fflush(log), _exit(). P: fflush(log) before the fork, waitpid() after it.",
            },
            on = LOGGED,
            check = check_log,
        },
        {
            id = "children",
            title = "each turn is logged by a child of its own",
            points = 5,
            rule = "no-child",
            why = "That is what the caller asked for.",
            hints = {
                "Which process writes the line?",
                "fork() after each answer.",
                "case 0: the line, and _exit().",
            },
            on = LOGGED,
            check = check_children,
        },
        {
            id = "failures",
            title = "a failure is noticed and returned",
            points = 15,
            rule = "failure-ignored",
            why = "fprintf() cannot know that the disk is full: it has only filled memory.",
            hints = {
                "Which of your calls can say that nothing arrived?",
                "fflush() returns EOF when its write() failed. fgets() returns NULL when no answer comes.",
                "The child: _exit(fflush(log) == EOF); P: look at the status that waitpid() gives.",
            },
            on = { "hangs up", "says nothing", "the log is full", "the log was full" },
            check = check_failures,
        },
        {
            id = "zombies",
            title = "all children are waited for",
            points = 5,
            rule = "zombie",
            why = "A child that nobody waits for may also be one that has not written yet.",
            hints = {
                "How many children does P have when it ends?",
                "One waitpid() for each fork().",
                "waitpid(pid, &status, 0)",
            },
            check = check_zombies,
        },
        {
            id = "ends",
            title = "the conversation ends",
            points = 5,
            rule = "deadlock",
            why = "Two that wait for each other wait for ever.",
            hints = {
                "Who sleeps, in which call?",
                "The finding names both, and what each is waiting for.",
                "Look at the pipes at the moment when the run got stuck: what is in them?",
            },
            check = standing.ends,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 5,
            rule = "sleep",
            why = "No time is long enough to be sure that a child has written.",
            hints = {
                "Which call of yours has a time limit?",
                "The end of a child is an event: waitpid() sleeps until then.",
                "Leave the sleep out.",
            },
            on = TALKS,
            check = learner.forbid_clock,
        },
    },
}
