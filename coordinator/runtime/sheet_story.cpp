#include "coordinator/runtime/sheet_story.h"

#include <algorithm>

#include "coordinator/delivery/delivery.h"
#include "coordinator/delivery/metrics.h"

namespace pirouette::runtime {

// A pose may have got another take since the task was made: a view's job is the one with its
// picture.
Result<assembly::SheetStory> tell_story(const core::AssembleSheet& task,
                                        const store::ReadModel& read) {
  const store::SheetPage page = TRY(read.sheet(task.sheet));
  const std::vector<core::Job> takes = TRY(read.takes(task.sheet));
  const core::Sheet& sheet = page.sheets.front().sheet;
  const Recipe& recipe = *page.batch.recipe;
  assembly::SheetStory story;
  std::vector<std::string> prompts;
  std::optional<RenderSpec> first;
  WeightDigests weights;
  for (std::size_t i = 0; i < task.views.size(); ++i) {
    const core::PlannedView& planned = task.views[i];
    const auto shown = std::ranges::find_if(page.sheets.front().poses, [&](const auto& row) {
      return recipe.views.at(row.pose.view).id == planned.view.id;
    });
    const PoseId pose = shown == page.sheets.front().poses.end() ? PoseId{} : shown->pose.id;
    const auto job = std::find_if(takes.rbegin(), takes.rend(), [&](const core::Job& take) {
      return take.pose == pose && (!planned.picture || take.result == *planned.picture);
    });
    if (job == takes.rend()) {
      story.views.push_back({});
      continue;
    }
    story.views.push_back({job->take, planned.picture ? "" : job->error});
    if (!planned.picture) continue;
    const RenderSpec spec = make_render_spec(recipe, planned.view, sheet.reference, sheet.notes,
                                             job->correction, job->seed);
    prompts.push_back(planned.view.id + " " + delivery::version_tag(job->take) + ", seed " +
                      std::to_string(job->seed) + ": " + spec.prompt);
    if (first) continue;
    first = spec;
    weights = delivery::read_metrics(job->metrics, recipe).weights;
  }
  if (first) story.parameters = make_parameters(prompts, *first, weights);
  return story;
}

}  // namespace pirouette::runtime
