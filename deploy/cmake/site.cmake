# Compiles files into a program: muster_site(TARGET FOLDER) adds a source that defines the table that deploy/site.hpp declares.
#
# The assembler reads the files (.incbin), so that the compiler need not parse them as numbers.
function(muster_site target folder)
  file(GLOB_RECURSE files RELATIVE "${folder}" CONFIGURE_DEPENDS "${folder}/*")
  list(SORT files)
  set(bytes "")
  set(names "")
  set(entries "")
  set(paths "")
  set(number 0)
  foreach(file IN LISTS files)
    string(APPEND bytes "    \"site_${number}:\\n.incbin \\\"${folder}/${file}\\\"\\nsite_${number}_end:\\n\"\n")
    string(APPEND names "extern \"C\" const char site_${number}[], site_${number}_end[];\n")
    string(APPEND entries "    {\"${file}\", {site_${number}, static_cast<std::size_t>(site_${number}_end - site_${number})}},\n")
    list(APPEND paths "${folder}/${file}")
    math(EXPR number "${number} + 1")
  endforeach()
  set(source "${CMAKE_CURRENT_BINARY_DIR}/site_data.cpp")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [=[
// Written by deploy/cmake/site.cmake.
#include "deploy/site.hpp"

asm(".section .rodata\n"
@bytes@    ".previous\n");

@names@
namespace muster::cli {

std::span<const site_file> site() {
  static const std::vector<site_file> files{
@entries@  };
  return files;
}

} // namespace muster::cli
]=])
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${paths}")
  target_sources(${target} PRIVATE "${source}")
endfunction()
