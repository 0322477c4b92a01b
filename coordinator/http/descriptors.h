#pragma once
// Each connection needs one of the process's file descriptors, and Linux grants 1,024 unless it is
// asked for more.

#include <cstddef>

namespace pirouette::http {

// Asks for all that this process may have.
void raise_descriptor_limit();

// How many connections there may be: as many as wanted, or what the descriptors allow, with
// kDescriptorsKept of them (or half of few) left to everything else.
std::size_t connections_allowed(std::size_t wanted, std::size_t descriptors);
std::size_t descriptors_granted();

}  // namespace pirouette::http
