#pragma once
// What a fuzz target defines: it takes any bytes, and never crashes, hangs or breaks a promise of
// its parser (broken ones are PIROUETTE_CHECKs). libFuzzer or replay.cpp calls it.

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
