// The assembler answers for every sheet, whatever becomes of it.

#include "coordinator/runtime/assembler.h"

#include <gtest/gtest.h>

#include <future>
#include <new>

namespace pirouette::runtime {
namespace {

core::Event answer_of(AssembleFn assemble) {
  std::promise<core::Event> said;
  Assembler assembler(std::move(assemble), [&](core::Event event) { said.set_value(event); });
  core::AssembleSheet task;
  task.sheet = {7};
  task.version = 3;
  assembler.add(std::move(task));
  return said.get_future().get();
}

TEST(Assembler, AnExceptionIsThatSheetsFailure) {
  const core::Event event =
      answer_of([](const auto&) -> Result<core::SheetAssembled> { throw std::bad_alloc(); });
  const auto& failed = std::get<core::SheetAssemblyFailed>(event);
  EXPECT_EQ(failed.sheet, SheetId{7});
  EXPECT_EQ(failed.version, 3u);
  EXPECT_NE(failed.error.what.find("bad_alloc"), std::string::npos) << failed.error.what;
}

TEST(Assembler, AnErrorKeepsItsKind) {
  const core::Event event = answer_of([](const auto&) -> Result<core::SheetAssembled> {
    return Error{Errc::io, "no space left"};
  });
  EXPECT_EQ(std::get<core::SheetAssemblyFailed>(event).error.code, Errc::io);
}

}  // namespace
}  // namespace pirouette::runtime
