std = "lua54"
max_line_length = 120
files["labs/**/*.lua"] = { read_globals = { "lab" } }
files["scripts/grade/**/*.lua"] = { read_globals = { "grader", "fail" } }
files["scripts/lib/**/*.lua"] = { read_globals = { "fail" } }
files["scripts/ipclab.d.lua"] = { only = {} }
