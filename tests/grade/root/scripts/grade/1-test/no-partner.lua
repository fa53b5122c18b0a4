-- A grader whose partner is not there.
return grader {
   title = "no-partner",
   exercise = "1-test/no-partner",
   starter_fails = "exit", partners = { "no-such-partner" },
   runs = function() return { { name = "only", partner = "no-such-partner" } } end,
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
