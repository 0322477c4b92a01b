#pragma once
// What the machine can do without a farm, measured beside the farm's own numbers: on a shared disk
// they change by the hour, so only the ratios of one run mean something.

#include <cstddef>
#include <filesystem>
#include <vector>

namespace pirouette::bench {

// 4 KiB written and synced, one after another.
double syncs_per_second(const std::filesystem::path& folder, double seconds_max);

// As much as a start's commit puts into the log (64 KiB), written over what is in a file and
// synced, on a machine that had nothing to do for two milliseconds. In milliseconds, one entry a
// time.
std::vector<double> lone_syncs_ms(const std::filesystem::path& folder, int times);

// Rows of 200 bytes put into SQLite (WAL, synchronous = FULL), that many a transaction.
double changes_per_second(const std::filesystem::path& folder, int rows, double seconds_max);

// How long until the last of some sleeping threads is awake, each woken by the one before it, on a
// machine that had nothing to do for two milliseconds: what hand-overs alone cost. In milliseconds,
// one entry a time.
std::vector<double> wake_chains_ms(int threads, int times);

// Round trips of 200 bytes between a DEALER and a ROUTER on loopback, with 64 of them under way;
// plain, without CURVE.
double round_trips_per_second(double seconds_max);

}  // namespace pirouette::bench
