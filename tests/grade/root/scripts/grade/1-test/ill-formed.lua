-- A grader with a field that there is not.
return grader {
   title = "ill-formed",
   exercise = "1-test/ill-formed",
   starter_fails = "exit", points = 3,
   runs = function() return { { name = "only" } } end,
   checks = {
      { id = "exit", title = "it exits 0", points = 0, rule = "exit", why = "-", hints = {},
         check = function(run)
            local exit = run:ended().exit
            if exit ~= 0 then fail { text = "it exited " .. exit } end
         end },
      { id = "odd", title = "what this is about", points = 9, rule = "odd", why = "-", hints = {},
         check = function() end },
   },
}
