#pragma once
// Puts sheets together on a thread of its own, in the order they became ready, and says how it went
// by an event, whatever was thrown. Sheets that wait when the process ends are asked for again by
// the core at the next start. At most one sheet waits per sheet of the farm, so the queue needs no
// limit of its own.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "common/result.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"

namespace pirouette::runtime {

// Puts one sheet together; blocking; called on the assembler's thread only.
using AssembleFn = std::function<Result<core::SheetAssembled>(const core::AssembleSheet&)>;

class Assembler {
 public:
  Assembler(AssembleFn assemble, std::function<void(core::Event)> post);
  ~Assembler();  // finishes the sheet in hand, drops the others

  void add(core::AssembleSheet&& task);  // any thread

 private:
  void work();
  Result<core::SheetAssembled> assemble_or_say_why(const core::AssembleSheet& task);

  const AssembleFn assemble_;
  const std::function<void(core::Event)> post_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<core::AssembleSheet> waiting_;  // under mutex_
  bool stopping_ = false;                    // under mutex_
  std::thread thread_;
};

}  // namespace pirouette::runtime
