# Runs the simulator with a planted bug and demands that it is found: exit code 10 to 13, nothing else.
execute_process(COMMAND "${SIMULATOR}" --seeds 2000 --from 1 --plant "${PLANT}" RESULT_VARIABLE code OUTPUT_VARIABLE text)
string(REGEX MATCH "FAILED [^\n]*" found "${text}")
string(REGEX MATCH "again: [^\n]*" again "${text}")
if(NOT code STREQUAL "${CLASS}")
  message(FATAL_ERROR "the planted bug ${PLANT} ended the simulator with ${code}, not ${CLASS}: ${found}")
endif()
message(STATUS "found: ${found}; ${again}")
