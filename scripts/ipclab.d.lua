---@meta ipclab
-- What lab and grader files may use, for editors that read LuaLS annotations. docs/lua-api.md says more.
-- Checked against the engine by the test lua.docs.

---@alias ipclab.Value string|number|boolean

---@class ipclab.Actor
---@field name string
---@field role string

---@class ipclab.Variant
---@field program string
---@field text string

---@class ipclab.Knob
---@field name string
---@field text string
---@field values ipclab.Value[]
---@field default ipclab.Value

---@class ipclab.Option
---@field id string
---@field text string
---@field holds fun(run: ipclab.Run): boolean?
---@field why string

---@class ipclab.Prediction
---@field question string
---@field variant string
---@field knobs? table<string, ipclab.Value>
---@field options ipclab.Option[]

---@class ipclab.Goal
---@field title string
---@field reached "deadlock"|"never-eof"|"ended-well"|fun(run: ipclab.Run): boolean?
---@field variants? string[]

---@class ipclab.Lab
---@field title string
---@field part string
---@field summary string
---@field minutes integer
---@field covers string[]
---@field actors ipclab.Actor[]
---@field variants table<string, ipclab.Variant>
---@field knobs? ipclab.Knob[]
---@field prediction? ipclab.Prediction
---@field goals? ipclab.Goal[]
---@field watch string[]
---@field expects table<string, string[]>
---@field limit? number

---@class ipclab.RunSpec
---@field name string
---@field args? ipclab.Value[]
---@field stdin? string
---@field feed? "when-quiet"
---@field limit? number
---@field processes? integer
---@field files? integer
---@field ignore? string[]
---@field partner? string
---@field orders? integer
---@field schedule? string[]
---@field time? "any" | "fair"
---@field faults? ("short" | "signal" | "small" | "error" | "kill")[]

---@class ipclab.Check
---@field id string
---@field title string
---@field points integer
---@field rule string
---@field why string
---@field hints string[]
---@field on? string[]
---@field check fun(run: ipclab.Run)

---@class ipclab.Random
---@field bytes fun(n: integer): string
---@overload fun(lo: integer, hi: integer): integer

---@class ipclab.Grader
---@field title string
---@field exercise string
---@field starter_fails string
---@field partners? string[]
---@field runs fun(random: ipclab.Random): ipclab.RunSpec[]
---@field checks ipclab.Check[]

---@class ipclab.Failure
---@field text string
---@field events? (ipclab.Event|integer)[]
---@field proc? string
---@field object? integer
---@field seq? integer
---@field next? string
---@field rule? string

---@class ipclab.Status
---@field exit? integer
---@field signal? string

---@class ipclab.Event
---@field id integer
---@field kind string
---@field proc string
---@field tid integer
---@field seq integer
---@field exit_seq? integer
---@field ns integer
---@field exit_ns? integer
---@field call? string
---@field op? string
---@field fd? integer
---@field fd2? integer
---@field fds? integer[]
---@field size? integer
---@field offset? integer
---@field ret? integer
---@field errno? string
---@field sig? string
---@field signals? string[]
---@field handler? "default"|"ignore"|"handler"
---@field path? string
---@field flags table<string, true>
---@field timeout? number
---@field status? ipclab.Status
---@field child? string
---@field pid? integer
---@field target? string
---@field object? integer
---@field data? string
---@field file? string
---@field line? integer
---@field func? string
---@field text string

---@class ipclab.Ended
---@field how "ended"|"deadlock"|"never-eof"|"spin"|"slow"|"flood"|"interrupted"
---@field exit? integer
---@field signal? string

---@class ipclab.Finding
---@field rule string
---@field severity "normal"|"warning"|"problem"
---@field text string
---@field next string
---@field seq integer
---@field proc? string
---@field object? integer
---@field events integer[]
---@field procs string[]

---@class ipclab.Flow
---@field from? ipclab.Event
---@field to ipclab.Event
---@field object integer
---@field bytes integer

---@class ipclab.Proc
---@field name string
---@field pid integer
---@field parent? string
---@field state "running"|"exiting"|"zombie"|"reaped"
---@field exit? integer
---@field signal? string
---@field reaped_by? string
---@field exe? string
---@field stopped boolean
---@field pgid integer
---@field sid integer
---@field blocked? ipclab.Event

---@class ipclab.Fd
---@field fd integer
---@field object? integer
---@field read boolean
---@field write boolean
---@field cloexec boolean
---@field event? integer
---@field nonblock boolean
---@field offset? integer

---@class ipclab.Object
---@field id integer
---@field kind string
---@field name string
---@field live boolean
---@field event? integer
---@field fill? integer
---@field capacity? integer
---@field max_fill? integer
---@field total_in? integer
---@field total_out? integer
---@field readers? integer
---@field writers? integer

---@class ipclab.Holder
---@field proc string
---@field fd integer
---@field read boolean
---@field write boolean
---@field cloexec boolean

---@class ipclab.Wait
---@field proc string
---@field event? integer
---@field object? integer
---@field reason string
---@field text string
---@field wakers string[]
---@field hopeless boolean
---@field timeout boolean

---@class ipclab.FlowFilter
---@field object? integer
---@field from? string
---@field to? string

---@class ipclab.Run
---@field name? string
---@field args? string[]
---@field seed? integer
---@field stdin? string
---@field partner? string
local Run = {}

---@return ipclab.Ended
function Run:ended() end
---@param filter? table
---@return ipclab.Event[]
function Run:events(filter) end
---@param filter? table
---@return ipclab.Event?
function Run:first(filter) end
---@param filter? table
---@return ipclab.Event?
function Run:last(filter) end
---@param filter? table
---@return integer
function Run:count(filter) end
---@return ipclab.Proc[]
function Run:procs() end
---@param seq integer
---@return ipclab.State
function Run:at(seq) end
---@return ipclab.State
function Run:final() end
---@param rule? string
---@return ipclab.Finding[]
function Run:findings(rule) end
---@param filter? ipclab.FlowFilter
---@return ipclab.Flow[]
function Run:flows(filter) end

---@class ipclab.State
---@field seq integer
local State = {}

---@return ipclab.Proc[]
function State:procs() end
---@param name string
---@return ipclab.Proc?
function State:proc(name) end
---@param name string
---@return ipclab.Fd[]
function State:fds(name) end
---@param id integer
---@return ipclab.Object
function State:object(id) end
---@param kind? string
---@return ipclab.Object[]
function State:objects(kind) end
---@param id integer
---@return ipclab.Holder[]
function State:holders(id) end
---@return ipclab.Wait[]
function State:waits() end
---@param name string
---@return string[]
function State:children(name) end
---@param name string
---@param sig string
---@return "default"|"ignore"|"handler"|nil
function State:handler(name, sig) end
---@param name string
---@param sig string
---@return boolean?
function State:blocks(name, sig) end

---@param declared ipclab.Lab
---@return ipclab.Lab
function lab(declared) end

---@param declared ipclab.Grader
---@return ipclab.Grader
function grader(declared) end

--- The check has failed. Never returns.
---@param failure ipclab.Failure
function fail(failure) end
