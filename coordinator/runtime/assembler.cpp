#include "coordinator/runtime/assembler.h"

#include <exception>
#include <string>
#include <utility>

namespace pirouette::runtime {

Assembler::Assembler(AssembleFn assemble, std::function<void(core::Event)> post)
    : assemble_(std::move(assemble)), post_(std::move(post)), thread_([this] { work(); }) {}

Assembler::~Assembler() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Assembler::add(core::AssembleSheet&& task) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Assembler::work() {
  for (;;) {
    core::AssembleSheet task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    Result<core::SheetAssembled> sheet = assemble_or_say_why(task);
    if (sheet.ok()) {
      post_(std::move(sheet).value());
    } else {
      post_(core::SheetAssemblyFailed{task.sheet, task.version, sheet.error()});
    }
  }
}

// One sheet's exception must not end the coordinator: it would at every start again.
Result<core::SheetAssembled> Assembler::assemble_or_say_why(const core::AssembleSheet& task) {
  try {
    return assemble_(task);
  } catch (const std::exception& exception) {
    return Error{Errc::busy, std::string("putting the sheet together broke off (") +
                                 exception.what() + "); look at its pictures and at free memory"};
  }
}

}  // namespace pirouette::runtime
