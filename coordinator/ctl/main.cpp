// pirouette: the farm's command line, an HTTP client and nothing else.

#include <unistd.h>

#include <exception>
#include <iostream>

#include "coordinator/ctl/command_line.h"

int main(int argc, char** argv) {
  using namespace pirouette;
  ctl::Console console{std::cout, std::cerr, false, ::isatty(STDOUT_FILENO) == 1};
  try {
    return static_cast<int>(ctl::run({argv + 1, argv + argc}, console));
  } catch (const std::exception& error) {
    std::cerr << "pirouette: " << error.what() << "\n";
    return static_cast<int>(ctl::Exit::failed);
  }
}
