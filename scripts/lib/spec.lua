-- What a run was asked to do: its arguments, "name=value" and words.
local spec = {}

-- The value of argument "name=value", as text, the last if there are several; nil when there is none.
function spec.text(run, name)
    local value = nil
    for _, arg in ipairs(run.args) do
        value = arg:match("^" .. name .. "=(.*)$") or value
    end
    return value
end

-- The same as a number.
function spec.number(run, name)
    local text = spec.text(run, name)
    return text and tonumber(text)
end

function spec.has(run, word)
    for _, arg in ipairs(run.args) do
        if arg == word then
            return true
        end
    end
    return false
end

return spec
