# The pure half of engine/control: no process is run by these.
ipclab_unit_test(NAME control.touch SOURCES test_touch.c USES ipclab_control)

add_library(control_sim STATIC sim.c brute.c programs.c)
target_link_libraries(control_sim PUBLIC ipclab_control cmocka)
ipclab_unit_test(NAME control.dpor SOURCES test_dpor.c USES control_sim TIMEOUT 120)
ipclab_unit_test(NAME control.strategy SOURCES test_strategy.c USES control_sim m TIMEOUT 120)
ipclab_unit_test(NAME control.schedule SOURCES test_schedule.c USES control_sim)
ipclab_unit_test(NAME control.portfolio SOURCES test_portfolio.c USES control_sim)
