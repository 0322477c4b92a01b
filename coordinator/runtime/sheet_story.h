#pragma once
// What a sheet says besides showing its pictures (assembly::SheetStory), from the database. The
// round that asked for the sheet is committed by the time that its task runs.

#include "common/result.h"
#include "coordinator/assembly/assembly.h"
#include "coordinator/core/effect.h"
#include "coordinator/store/read_model.h"

namespace pirouette::runtime {

Result<assembly::SheetStory> tell_story(const core::AssembleSheet& task,
                                        const store::ReadModel& read);

}  // namespace pirouette::runtime
