#pragma once
// Rows as API v1 shows them: one function a noun of schema/openapi.yaml. Text that is not UTF-8 is
// replaced when it is written, so nothing that a worker says can break an answer.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/effect.h"
#include "coordinator/core/state.h"
#include "coordinator/http/exchange.h"
#include "coordinator/http/pulse.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {

using Json = nlohmann::ordered_json;

Answer answer_json(const Json& json, int status = 200);
// {"items": [...], "next": the last item's id when there may be more}.
Answer answer_list(Json items, std::optional<std::uint64_t> next);

// stopped: why no work is given out at all; "": it is.
Json batch_json(const store::BatchRow& row, const std::vector<store::WorkerRow>& workers,
                const std::string& stopped);
Json recipe_json(const Recipe& recipe);

enum class Detail { listed, alone };  // alone: also what is long (prompts, seeds, metrics)
Json sheet_json(const store::SheetRow& row, const Recipe& recipe, const Pulse& pulse,
                Detail detail);
Json version_json(const store::SheetVersion& version);
Json pose_json(const store::PoseRow& row, const core::Sheet& sheet, const Recipe& recipe,
               const Pulse& pulse, Detail detail);
Json job_json(const store::JobRow& row, const Pulse& pulse);
// Also its prompt and each lease that it had.
Json job_json(const store::JobStory& story, const Pulse& pulse);
Json worker_json(const store::WorkerRow& row, const Pulse& pulse);
Json lora_json(const core::Lora& lora);
Json ledger_json(const core::LedgerRow& row);
Json progress_json(const core::Progress& progress);

std::string dump(const Json& json);

// --- fields that may be none ---

Json time_json(const std::optional<Instant>& instant);
Json digest_json(const Digest& digest);
Json text_or_null(const std::string& text);
// What a worker or assembly said in JSON; null when it said nothing that can be read.
Json parsed_or_null(const std::string& text);
Json step_json(const std::optional<core::Progress>& progress);

}  // namespace pirouette::http
