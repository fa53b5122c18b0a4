# The pure half of engine/control: no process is run by these.
ipclab_unit_test(NAME control.touch SOURCES test_touch.c USES ipclab_control)
