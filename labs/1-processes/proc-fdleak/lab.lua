-- The bind() of the second server: made while the helpers live.
local function second_bind(run)
    return run:first { call = "bind", proc = "P.2" }
end

-- Whether somebody but the new server has a socket at that moment.
local function holds_a_socket(run, moment)
    local state = run:at(moment.seq)
    for _, socket in ipairs(state:objects("socket")) do
        for _, holder in ipairs(state:holders(socket.id)) do
            if holder.proc ~= "P.2" then
                return true
            end
        end
    end
    return false
end

return lab {
    title = "A descriptor you forgot keeps a promise open",
    part = "1-processes",
    summary = "A server dies and cannot be started again: its port is taken, by a helper that has never heard of it. "
        .. "See what a program inherits through exec, and what O_CLOEXEC does.",
    minutes = 25,
    covers = { "exec", "O_CLOEXEC", "inherited descriptors", "sockets", "posix_spawn" },
    actors = {
        { name = "P", role = "starts the server three times, one after the other" },
        { name = "P.1", role = "the first server: starts helpers, and dies" },
        { name = "P.1.1", role = "a helper: another program, which lives on" },
        { name = "P.2", role = "the second server, while the helpers live" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "the socket is closed at exec (SOCK_CLOEXEC)" },
        broken = { program = "broken.c", text = "the helpers inherit the socket" },
    },
    knobs = {
        { name = "helpers", text = "how many helpers the first server starts", values = { 0, 1, 3 }, default = 1 },
    },
    prediction = {
        question = "The server has taken port 8080, started a helper, and died. The helper lives on. The server is "
            .. "started again: what does its bind() to port 8080 do?",
        variant = "broken",
        knobs = { helpers = 1 },
        options = {
            {
                id = "works",
                text = "It works: when a process ends, the kernel closes all its descriptors.",
                holds = function(run) return second_bind(run).ret == 0 end,
                why = "It closes those of that process. The helper has a copy, which came through fork and exec.",
            },
            {
                id = "later",
                text = "It fails for a minute: TCP keeps a port that was in use.",
                holds = function(run)
                    local bind = second_bind(run)
                    return bind.errno == "EADDRINUSE" and not holds_a_socket(run, bind)
                end,
                why = "That is about closed connections (TIME_WAIT), and SO_REUSEADDR is set. This socket is not even "
                    .. "closed.",
            },
            {
                id = "held",
                text = "It fails as long as the helper lives.",
                holds = function(run)
                    local bind = second_bind(run)
                    return bind.errno == "EADDRINUSE" and holds_a_socket(run, bind)
                end,
                why = "The helper has the listening socket open, knows nothing of it, and will never close it.",
            },
        },
    },
    watch = {
        "the descriptors of the helper before its exec and after it",
        "bind() in P.2 and in P.3: the same call, and one helper less",
        "in the healthy program: which descriptors vanish at the helper's exec",
    },
    expects = { healthy = {}, broken = { "fd-leak-exec" } },
}
