// /api/v1/models: the models and LoRAs that recipes may name, and which workers hold them.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coordinator/http/holdings.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

const char* word(Hold hold) {
  switch (hold) {
    case Hold::resident:
      return "resident";
    case Hold::cached:
      return "cached";
    case Hold::disk:
      return "disk";
  }
  return "disk";
}

// By name, whoever came first: the same list every morning.
Json holders_json(std::vector<Holder> holders) {
  std::ranges::sort(holders, {}, &Holder::name);
  Json workers = Json::array();
  for (const Holder& holder : holders) {
    workers.push_back(
        {{"worker", holder.worker.value}, {"name", holder.name}, {"holds", word(holder.hold)}});
  }
  return workers;
}

Result<std::vector<core::Lora>> registered(const Site& site) {
  std::vector<core::Lora> all;
  while (true) {
    auto page = TRY(site.read().loras(all.empty() ? LoraId{} : all.back().id, kListMax));
    all.insert(all.end(), page.begin(), page.end());
    if (page.size() < kListMax) return all;
  }
}

Result<Answer> list(const Site& site) {
  const Holdings held =
      find_holdings(TRY(registered(site)), TRY(site.read().workers_alone({}, kListMax)));
  Json models = Json::array(), loras = Json::array();
  for (const HeldModel& model : held.models) {
    models.push_back({{"name", model.name}, {"workers", holders_json(model.holders)}});
  }
  for (const auto& [lora, holders] : held.loras) {
    const bool travels = static_cast<bool>(lora.id);
    loras.push_back({{"name", lora.name},
                     {"registered", travels},
                     {"sha256", digest_json(lora.sha256)},
                     {"bytes", travels ? Json(lora.bytes) : Json()},
                     {"trigger", travels ? Json(lora.trigger) : Json()},
                     {"workers", holders_json(holders)}});
  }
  return answer_json({{"models", std::move(models)}, {"loras", std::move(loras)}});
}

}  // namespace

void add_models(Router& router, Site& site) {
  router.add("GET", "/api/v1/models", with_query({}, [&](const Request&) { return list(site); }));
}

}  // namespace pirouette::http
