#pragma once
// Which workers hold what: models and LoRAs, in memory, in their cache of fetched LoRAs, or in
// their own folders, as they say it in Hello and heartbeats. Pure.

#include <string>
#include <vector>

#include "coordinator/store/read_model.h"

namespace pirouette::http {

// The nearest to a picture first.
enum class Hold { resident, cached, disk };

struct Holder {
  WorkerId worker;
  std::string name;
  Hold hold = Hold::disk;
};

struct HeldModel {
  std::string name;
  std::vector<Holder> holders;
};

struct HeldLora {
  core::Lora lora;  // without an id: a file of that name in workers' own folders
  std::vector<Holder> holders;
};

struct Holdings {
  std::vector<HeldModel> models;  // by name
  std::vector<HeldLora> loras;    // the registered ones, then those in folders; by name
};

// Workers that are gone or lost hold nothing.
Holdings find_holdings(const std::vector<core::Lora>& registered,
                       const std::vector<store::WorkerRow>& workers);

}  // namespace pirouette::http
