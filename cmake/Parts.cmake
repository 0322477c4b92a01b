# How a part of Pirouette is built. Each folder is one library of all its .cpp files (main.cpp is
# left out), so adding a file to a part needs no change here. Includes are written from the
# project's root: #include "common/result.h".

add_library(pirouette_warnings INTERFACE)
target_compile_options(pirouette_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion>
  # Of the compiler that the project is made with; another one's new warnings end no build.
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<NOT:$<BOOL:${PIROUETTE_CUDA}>>>:-Werror>
  # gcc 12 raises false alarms in optimized builds: about std::string (its bug 105651) and about the
  # other members of a std::variant.
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict -Wno-maybe-uninitialized>)

# pirouette_library(NAME [DEPS target...]): the current folder's .cpp files as a static library.
function(pirouette_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  if(sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE pirouette_warnings)
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# pirouette_tests(NAME FOLDER [DEPS target...]): every *_test.cpp of FOLDER as one test program.
function(pirouette_tests name folder)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest_main pirouette_warnings)
  target_compile_definitions(${name} PRIVATE
    PIROUETTE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" PIROUETTE_BINARY_DIR="${CMAKE_BINARY_DIR}")
  gtest_discover_tests(${name} TEST_PREFIX "${name}/" DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
include(GoogleTest)
