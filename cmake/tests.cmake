# ipclab_unit_test(NAME layer.subject SOURCES file... USES module... [TIMEOUT seconds]): a cmocka test program.
# ipclab_test(NAME layer.subject COMMAND ... [TIMEOUT seconds] [LABELS ...]): any command.
# The label of a test is its layer. 77 means skipped.
function(ipclab_test)
    cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "COMMAND;LABELS;ENVIRONMENT" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 60)
    endif()
    string(REGEX REPLACE "\\..*" "" layer ${ARG_NAME})
    add_test(NAME ${ARG_NAME} COMMAND ${ARG_COMMAND})
    set_tests_properties(${ARG_NAME} PROPERTIES
        TIMEOUT ${ARG_TIMEOUT} LABELS "${layer};${ARG_LABELS}" SKIP_RETURN_CODE 77
        ENVIRONMENT "IPCLAB_ROOT=${CMAKE_SOURCE_DIR};${ARG_ENVIRONMENT}")
endfunction()

function(ipclab_unit_test)
    cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "SOURCES;USES;LABELS;ENVIRONMENT" ${ARGN})
    string(REPLACE "." "_" program test_${ARG_NAME})
    add_executable(${program} ${ARG_SOURCES})
    target_link_libraries(${program} PRIVATE ${ARG_USES} cmocka)
    ipclab_test(NAME ${ARG_NAME} COMMAND ${program} TIMEOUT ${ARG_TIMEOUT} LABELS ${ARG_LABELS}
        ENVIRONMENT ${ARG_ENVIRONMENT})
endfunction()
