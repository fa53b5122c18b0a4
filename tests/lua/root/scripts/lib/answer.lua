-- A library for the tests of `require`.
local answer = {}

answer.answer = 42

function answer.fail() error("it failed") end

return answer
