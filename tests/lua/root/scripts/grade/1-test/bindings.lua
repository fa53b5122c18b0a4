-- Asks every binding about a program that always does the same (exercises/1-test/bindings.c).
-- A wrong answer raises, so the check is "not judged", with the line.

local function names(list)
   local out = {}
   for i, one in ipairs(list) do out[i] = one.name end
   return table.concat(out, " ")
end

local function refused(what, f, ...)
   local ok, text = pcall(f, ...)
   assert(not ok, "not refused: " .. what)
   assert(text:find(what, 1, true), text)
end

local function check(id, f)
   return { id = id, title = id, points = 1, rule = id, why = "-", hints = {}, check = f }
end

local function check_run(run)
   assert(run.name == "only" and run.args[1] == "7" and run.args[2] == "x" and #run.args == 2)
   assert(run.stdin == "ab\0c" and math.type(run.seed) == "integer" and run.seed > 0)
   local ended = run:ended()
   assert(ended.how == "ended" and ended.exit == 3 and ended.signal == nil)
   assert(names(run:procs()) == "P P.1 P.2")
   refused("a run has no 'nonsense'", function() return run.nonsense end)
   refused("no such moment", run.at, run, 1 << 20)
   refused("no such moment", run.at, run, -1)
   refused("ipclab.run expected", run.events, {})
end

local function check_filters(run)
   assert(run:count {} == #run:events() and run:count() > 30)
   assert(run:count { op = "fork", proc = "P" } == 2)
   assert(run:count { op = { "fork", "pipe" }, proc = "P" } == 3)
   assert(run:first { op = "wait" }.child == "P.2" and run:last { op = "wait" }.errno == "ECHILD")
   assert(run:first { op = "sleep", proc = "P.1" } == nil and run:last { proc = "P.9" } == nil)
   local pipe = run:first { op = "pipe" }
   assert(run:first { seq_from = pipe.seq }.id == pipe.id)
   assert(run:count { seq_to = pipe.seq, op = "fork" } == 0)
   assert(run:count { flags = "WNOHANG" } == 1)
   assert(run:count { flags = { "O_CREAT", "WNOHANG" }, proc = "P" } == 2)
   assert(run:count { where = function(ev) return ev.op == "fork" end } == 2)
   refused("an event has no field 'colour'", run.first, run, { colour = 1 })
   refused("seq_from must be an integer", run.first, run, { seq_from = "x" })
   refused("where=function", run.first, run, { where = 1 })
   refused("names of fields", run.first, run, { "fork" })
   refused("table expected", run.first, run, "fork")
   refused("boom", run.first, run, { where = function() error("boom") end })
end

local function check_events(run)
   local action = run:first { op = "sigaction", sig = "SIGUSR1" }
   assert(action.kind == "call" and action.proc == "P" and action.handler == "handler")
   assert(action.flags.SA_RESTART and not action.flags.SA_NOCLDWAIT)
   assert(action.ret == 0 and action.errno == nil and action.exit_seq == action.seq + 1)
   assert(action.exit_ns >= action.ns and action.tid > 0)
   assert(run:first { op = "sigaction", sig = "SIGPIPE" }.handler == "ignore")
   local mask = run:first { op = "sigmask", signals = 1 }
   assert(#mask.signals == 1 and mask.signals[1] == "SIGUSR2" and mask.flags.SIG_BLOCK)
   local pipe = run:first { op = "pipe" }
   assert(#pipe.fds == 2 and pipe.fds[1] == 3 and pipe.fds[2] == 4 and pipe.flags.O_CLOEXEC and pipe.object)
   assert(pipe.file == "bindings.c" and pipe.line == 49 and pipe.func == "main")
   local fork = run:first { op = "fork" }
   assert(fork.child == "P.1" and fork.ret > 0)
   local write = run:first { op = "write", object = pipe.object }
   assert(write.data == "hello" and write.size == 5 and write.ret == 5 and write.fd == 4)
   assert(write.text:find('write(4, "hello", 5) = 5', 1, true))
   local kill = run:first { op = "kill" }
   assert(kill.target == "P.2" and kill.sig == "SIGTERM" and kill.pid > 0)
   local wait = run:first { op = "wait" }
   assert(wait.status.signal == "SIGTERM" and wait.target == "P.2" and wait.child == "P.2")
   assert(run:first { op = "wait", child = "P.1" }.status.exit == 3)
   local last = run:last { op = "wait" }
   assert(last.ret == -1 and last.errno == "ECHILD" and last.child == nil and last.target == nil)
   assert(run:first { kind = "signal", sig = "SIGUSR1" }.proc == "P")
   assert(math.abs(run:first { op = "sleep" }.timeout - 0.001) < 1e-9)
   assert(run:first { op = "poll" }.timeout == 0.25)
   local stdin = run:first { op = "read", fd = 0 }
   assert(stdin.data == run.stdin and stdin.size == 16)
   local open = run:first { op = "open", path = "/tmp/file" }
   assert(open.flags.O_CREAT and open.flags.O_RDWR and not open.flags.O_RDONLY)
   assert(run:first { op = "write", object = open.object }.offset == 10)
   assert(run:first { op = "fd-flags" }.flags.FD_CLOEXEC)
   assert(run:first { op = "dup" }.fd2 == 9)
   local pause = run:first { proc = "P.2", op = "pause" }
   assert(pause == nil or pause.exit_seq == nil) -- it may be killed before it pauses
   assert(run:first { kind = "exec" }.path:find("bindings", 1, true))
   assert(run:last { kind = "exit", proc = "P" }.status.exit == 3)
   assert(run:last { kind = "exit", proc = "P.2" }.status.signal == "SIGTERM")
   assert(run:first { kind = "start", proc = "P.1" } and run:first { kind = "dying", proc = "P.1" })
end

local function check_state(run)
   local pipe = run:first { op = "pipe" }
   local before, state = run:at(pipe.seq - 1), run:at(pipe.exit_seq)
   assert(state.seq == pipe.exit_seq and names(state:procs()) == "P")
   refused("no such object", before.object, before, pipe.object)
   local object = state:object(pipe.object)
   assert(object.kind == "pipe" and object.name:find("^pipe %d+$") and object.id == pipe.object and object.live)
   assert(object.fill == 0 and object.capacity == 65536 and object.readers == 1 and object.writers == 1)
   assert(object.total_in == 0 and object.total_out == 0 and object.max_fill == 0 and object.event == pipe.id)
   local holders = state:holders(pipe.object)
   assert(#holders == 2 and holders[1].proc == "P" and holders[1].fd == 3 and holders[1].read)
   assert(not holders[1].write and holders[2].write and holders[2].cloexec)

   local forked = run:at(run:first { op = "fork" }.exit_seq)
   assert(#forked:children("P") == 1 and forked:children("P")[1] == "P.1")
   assert(forked:proc("P.1").parent == "P" and forked:proc("P.1").state == "running")
   assert(before:proc("P.1") == nil and #before:fds("P.1") == 0)
   assert(before:handler("P", "SIGUSR1") == "handler" and before:handler("P", "SIGPIPE") == "ignore")
   assert(before:handler("P", "SIGTERM") == "default" and before:handler("P.1", "SIGTERM") == nil)
   local mask = run:first { op = "sigmask", flags = "SIG_BLOCK" }
   assert(not run:at(mask.seq):blocks("P", "SIGUSR2") and run:at(mask.exit_seq):blocks("P", "SIGUSR2"))
   assert(not run:at(mask.exit_seq):blocks("P", "SIGUSR1") and run:final():blocks("P", "SIGUSR2") == nil)

   local fds = run:at(run:last { op = "dup" }.exit_seq):fds("P")
   local nine = fds[#fds]
   assert(nine.fd == 9 and nine.read and nine.write and not nine.cloexec and not nine.nonblock)
   assert(fds[4].fd == 3 and fds[4].cloexec and fds[4].object == nine.object and nine.event)

   local final = run:final()
   local P, second = final:proc("P"), final:proc("P.2")
   assert(P.name == "P" and P.exit == 3 and P.signal == nil and P.exe:find("bindings", 1, true))
   assert(P.pid > 0 and P.stopped == false and P.blocked == nil, "pid")
   assert(math.type(P.pgid) == "integer" and math.type(P.sid) == "integer" and P.pgid == second.pgid)
   assert(second.state == "reaped" and second.signal == "SIGTERM" and second.reaped_by == "P")
   assert(#final:objects("pipe") == 4 and #final:objects() >= 4)
   assert(#final:waits() == 0)

   refused("the run has no process 'P.7'", final.proc, final, "P.7")
   refused("no signal 'SIGNONE'", final.handler, final, "P", "SIGNONE")
   refused("a state has no 'nonsense'", function() return final.nonsense end)
   refused("ipclab.state expected", final.procs, run)
end

local function check_waits(run)
   local blocked = run:first { kind = "blocked", proc = "P" }
   assert(blocked, "with feed=when-quiet P is asleep in poll before the byte comes")
   local state = run:at(blocked.seq)
   local wait
   for _, one in ipairs(state:waits()) do
      if one.proc == "P" then wait = one end
   end
   assert(wait.reason == "ready" and wait.timeout and not wait.hopeless and type(wait.text) == "string")
   assert(type(wait.wakers) == "table" and wait.event == run:first { op = "poll" }.id)
   assert(state:proc("P").blocked.op == "poll")
end

local function check_flows(run)
   local pipe = run:first { op = "pipe" }
   local flows = run:flows { object = pipe.object }
   assert(#flows == 1 and flows[1].bytes == 5 and flows[1].object == pipe.object)
   assert(flows[1].from.data == "hello" and flows[1].to.proc == "P.1" and flows[1].to.ret == 5)
   assert(#run:flows { from = "P", to = "P.1" } == 1 and #run:flows { from = "P.1" } == 0)
   assert(#run:flows() >= 1 and #run:flows { to = "P.9" } == 0)
   refused("object=id, from=process", run.flows, run, { colour = 1 })
end

local function check_findings(run)
   local findings = run:findings()
   for _, one in ipairs(findings) do
      assert(one.rule and one.severity and one.text and one.next and one.seq and one.events and one.procs)
   end
   assert(#run:findings("deadlock") == 0)
   refused("no rule 'nonsense'", run.findings, run, "nonsense")
end

return grader {
   title = "Every binding",
   exercise = "1-test/bindings",
   starter_fails = "none",
   runs = function(random)
      local dice = random(1, 6)
      assert(dice >= 1 and dice <= 6 and #random.bytes(9) == 9 and random(5, 5) == 5)
      assert(random(math.mininteger, math.maxinteger))
      refused("the range is empty", random, 2, 1)
      return { { name = "only", args = { 7, "x" }, stdin = "ab\0c", limit = 5 } }
   end,
   checks = {
      check("run", check_run),
      check("filters", check_filters),
      check("events", check_events),
      check("state", check_state),
      check("flows", check_flows),
      check("findings", check_findings),
   },
}
