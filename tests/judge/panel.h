#pragma once
// Twenty characters from all eight sides, as the renderer draws them: the truth that a picture is
// held against. The nearest is the one of the least mean squared difference of softened pictures
// (nearness.h). Pure; judge() may be called from any thread.

#include <cstdint>
#include <vector>

#include "common/image/image.h"
#include "common/job/recipe.h"
#include "tests/judge/sides.h"

namespace pirouette::judge {

struct Size {
  int width = 192, height = 288;
};

// Indices are the panel's: of its characters, and of standard_views().
struct Verdict {
  std::size_t character = 0, view = 0;  // what it should show
  std::size_t nearest_view = 0;         // of that character's eight
  std::size_t nearest_character = 0;    // of all, seen from there
  double ssim = 0, psnr_db = 0;
  double figure_psnr_db = 0;  // in the box around the true figure: white ground flatters
  std::vector<SideVerdict> sides;

  bool has_right_view() const { return nearest_view == view; }
  bool has_right_character() const { return nearest_character == character; }
};

class Panel {
 public:
  static constexpr std::size_t kCharacters = 20;

  // At least one; more make it harder to be the nearest.
  Panel(std::vector<characters::Character> characters, Size size);
  // Of kCharacters seeds in a row.
  static Panel of_seeds(std::uint64_t first, Size size);

  std::size_t count() const { return characters_.size(); }
  const characters::Character& character(std::size_t index) const { return characters_[index]; }
  const Image& truth(std::size_t character, std::size_t view) const {
    return truths_[at(character, view)].sharp;
  }

  // invalid: the picture has another size, or transparency.
  Result<Verdict> judge(const Image& picture, std::size_t character, std::size_t view) const;

 private:
  struct Truth {
    Image sharp, soft;
    std::vector<SideQuestion> sides;
  };
  static std::size_t at(std::size_t character, std::size_t view) {
    return character * standard_views().size() + view;
  }

  Size size_;
  std::vector<characters::Character> characters_;
  std::vector<Truth> truths_;
};

// How the camera of the truth stands for that view.
characters::Camera camera_of(std::size_t view, Size size);

}  // namespace pirouette::judge
