// The committed pictures of deploy/characters are what the renderer draws.

#include "worker/train/characters/cast.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "common/files.h"
#include "worker/train/characters/render.h"

namespace pirouette::characters {
namespace {

TEST(Cast, IsWhatIsCommitted) {
  const std::filesystem::path folder =
      std::filesystem::path(PIROUETTE_SOURCE_DIR) / "deploy/characters";
  ASSERT_EQ(cast().size(), 6u);
  for (const Character& character : cast()) {
    const auto bytes = read_file(folder / (character.name + ".png"), 1 << 20);
    ASSERT_TRUE(bytes.ok()) << bytes.error().what;
    const Image committed = decode_png(bytes.value()).value();
    Camera camera;
    camera.width = kCastWidth;
    camera.height = kCastHeight;
    const Image now = render(build(character), camera);
    ASSERT_EQ(committed.width, now.width);
    ASSERT_EQ(committed.pixels.size(), now.pixels.size());
    int differing = 0;
    for (std::size_t i = 0; i < now.pixels.size(); ++i) {
      differing += std::abs(now.pixels[i] - committed.pixels[i]) > 2 ? 1 : 0;
    }
    // Another compiler may round a sample at an edge the other way.
    EXPECT_LE(differing, 300) << character.name
                              << ": draw it anew with pirouette-characters --cast";
    const auto notes = read_file(folder / (character.name + ".txt"), 1 << 13);
    ASSERT_TRUE(notes.ok()) << notes.error().what;
    EXPECT_EQ(std::string(notes.value().begin(), notes.value().end()),
              description(character) + "\n");
  }
}

}  // namespace
}  // namespace pirouette::characters
