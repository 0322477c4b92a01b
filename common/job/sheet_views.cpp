// See sheet_views.h.

#include "common/job/sheet_views.h"

#include <algorithm>

#include "common/job/fields.h"
#include "common/job/prompt.h"

namespace pirouette {
namespace {

const View* find_view(const PoseSet& views, std::string_view id) {
  const auto found = std::ranges::find(views, id, &View::id);
  return found == views.end() ? nullptr : &*found;
}

std::vector<std::string> ids_of(const PoseSet& views) {
  std::vector<std::string> ids;
  for (const View& view : views) ids.push_back(view.id);
  return ids;
}

bool any_uses(std::span<const PoseSet> used, const View& view) {
  return std::ranges::any_of(used, [&](const PoseSet& set) { return find_view(set, view.id); });
}

// The recipe's own views in its order; by azimuth once there are others.
PoseSet unite(const Recipe& recipe, std::span<const PoseSet> used) {
  PoseSet all;
  for (const View& view : recipe.views) {
    if (any_uses(used, view)) all.push_back(view);
  }
  const std::size_t own = all.size();
  for (const PoseSet& set : used) {
    for (const View& view : set) {
      if (!find_view(all, view.id)) all.push_back(view);
    }
  }
  if (all.size() > own) std::ranges::stable_sort(all, {}, &View::azimuth_deg);
  return all;
}

std::string name_of(const PoseSet& views) {
  for (const std::string& name : pose_set_names()) {
    if (named_pose_set(name).value() == views) return name;
  }
  return "custom";
}

}  // namespace

Result<PoseSet> find_pose_set(const Recipe& recipe, std::string_view name) {
  if (name == recipe.pose_set && !recipe.views.empty()) return recipe.views;
  Result<PoseSet> set = named_pose_set(name);
  if (!set.ok()) return Error{Errc::invalid, std::move(set).error().what};
  for (const View& view : set.value()) {
    const View* const own = find_view(recipe.views, view.id);
    if (own == nullptr || *own == view) continue;
    return Error{Errc::invalid, job::in_quotes(name) + " has a view " + job::in_quotes(view.id) +
                                    " that the recipe defines otherwise; name the views wanted "
                                    "instead, or call the recipe's something else"};
  }
  return set;
}

Result<PoseSet> find_views(const Recipe& recipe, std::span<const std::string> ids) {
  if (ids.empty()) return Error{Errc::invalid, "names no view; name one at least"};
  PoseSet views;
  for (const std::string& id : ids) {
    const View* view = find_view(recipe.views, id);
    if (view == nullptr) view = find_view(standard_views(), id);
    if (view == nullptr) {
      PoseSet known = recipe.views;
      for (const View& other : standard_views()) {
        if (!find_view(known, other.id)) known.push_back(other);
      }
      return Error{Errc::invalid, "there is no view " + job::in_quotes(id) + "; there are " +
                                      job::listed(ids_of(known))};
    }
    if (find_view(views, id)) {
      return Error{Errc::invalid, "the view " + job::in_quotes(id) + " is named twice"};
    }
    views.push_back(*view);
  }
  return views;
}

Result<void> settle_views(BatchSpec& batch, std::span<const PoseSet> wanted) {
  PIROUETTE_CHECK(wanted.size() == batch.sheets.size());
  Recipe& recipe = batch.recipe;
  std::vector<PoseSet> used(wanted.begin(), wanted.end());
  for (PoseSet& set : used) {
    if (set.empty()) set = recipe.views;
  }
  PoseSet all = unite(recipe, used);
  if (all.size() > kPoseSetMaxViews) {
    return Error{Errc::invalid, "the sheets ask for " + std::to_string(all.size()) +
                                    " different views; a batch takes " +
                                    std::to_string(kPoseSetMaxViews) + ": split it"};
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    std::vector<std::uint32_t>& places = batch.sheets[i].views;
    places.clear();
    if (used[i].size() == all.size()) continue;
    for (std::size_t at = 0; at < all.size(); ++at) {
      if (find_view(used[i], all[at].id)) places.push_back(static_cast<std::uint32_t>(at));
    }
  }
  if (all == recipe.views) return {};
  if (all.size() > 1 && !job::has_slot(recipe.prompt, "view") &&
      !job::has_slot(recipe.prompt, "geometry")) {
    return Error{Errc::invalid,
                 "the recipe's prompt has neither {view} nor {geometry}, so every view would be "
                 "the same"};
  }
  recipe.pose_set = name_of(all);
  recipe.views = std::move(all);
  return {};
}

}  // namespace pirouette
