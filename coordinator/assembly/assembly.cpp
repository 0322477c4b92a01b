// See assembly.h.

#include "coordinator/assembly/assembly.h"

#include <optional>
#include <vector>

#include "common/image/provenance.h"
#include "common/version.h"
#include "coordinator/assembly/checks.h"
#include "coordinator/assembly/compose.h"
#include "coordinator/assembly/figure.h"
#include "coordinator/assembly/layout.h"
#include "coordinator/assembly/picture.h"

namespace pirouette::assembly {
namespace {

Result<Image> load(const Blobs& blobs, const Digest& digest) {
  const std::vector<std::uint8_t> bytes = TRY(blobs.read(digest));
  return decode_picture(bytes);
}

}  // namespace

Result<AssembledSheet> assemble(const core::AssembleSheet& sheet, const SheetStory& story,
                                Blobs blobs) {
  const std::size_t count = sheet.views.size();
  PIROUETTE_CHECK(story.views.size() == count);
  std::vector<std::optional<Image>> images(count);
  std::vector<std::optional<ViewPicture>> pictures(count);
  for (std::size_t i = 0; i < count; ++i) {
    const core::PlannedView& planned = sheet.views[i];
    if (!planned.picture) continue;
    Result<Image> image = load(blobs, *planned.picture);
    if (!image.ok()) {
      return std::move(image).error().with("view " + planned.view.id + " of " + sheet.character);
    }
    images[i] = std::move(image).value();
    pictures[i] = {images[i]->width, images[i]->height, find_figure(*images[i])};
  }

  const Layout layout = lay_out(pictures);
  std::vector<CheckedView> checked;
  std::vector<ComposedView> composed;
  for (std::size_t i = 0; i < count; ++i) {
    const View& view = sheet.views[i].view;
    const Image* image = images[i] ? &*images[i] : nullptr;
    checked.push_back(
        {view.id, view.azimuth_deg, image, pictures[i] ? pictures[i]->figure : std::nullopt});
    const SheetStory::View& told = story.views[i];
    composed.push_back({view.id, view.name, view.azimuth_deg, told.take, image, told.why});
  }
  const ComposedSheet drawn = TRY(
      compose(sheet.character, composed, layout, provenance_texts(story.parameters, tool_name())));
  AssembledSheet assembled;
  assembled.picture = TRY(blobs.put(drawn.picture));
  assembled.thumbnail = TRY(blobs.put(drawn.thumbnail));
  assembled.checks = check_views(checked, layout);
  return assembled;
}

}  // namespace pirouette::assembly
