// The registered LoRAs. Those that were retired stand in the table too, for the batches that had
// them.

#include "coordinator/store/read_impl.h"

namespace pirouette::store {

Result<std::vector<core::Lora>> ReadModel::loras(LoraId after, std::size_t limit) const {
  static const std::string kSql = "SELECT " + std::string(kLoraColumns) +
                                  " FROM lora WHERE id > ? AND retired_at IS NULL"
                                  " ORDER BY id LIMIT ?";
  return impl_->read([&](Reader& reader) -> Result<std::vector<core::Lora>> {
    SQLite::Statement& statement = reader.statement(kSql);
    statement.bind(1, as_key(after.value));
    statement.bind(2, as_key(limit));
    std::vector<core::Lora> rows;
    each(statement, [&](Row& row) { rows.push_back(read_lora(row)); });
    return rows;
  });
}

Result<core::Lora> ReadModel::lora(const std::string& name) const {
  static const std::string kSql = "SELECT " + std::string(kLoraColumns) +
                                  " FROM lora INDEXED BY lora_name"
                                  " WHERE name = ? AND retired_at IS NULL";
  return impl_->read([&](Reader& reader) -> Result<core::Lora> {
    SQLite::Statement& statement = reader.statement(kSql);
    statement.bind(1, name);
    std::vector<core::Lora> rows;
    each(statement, [&](Row& row) { rows.push_back(read_lora(row)); });
    if (!rows.empty()) return std::move(rows.front());
    return Error{Errc::not_found,
                 "no LoRA is registered as \"" + name + "\"; pirouette lora add does it"};
  });
}

}  // namespace pirouette::store
