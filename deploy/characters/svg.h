#pragma once
// A few words for drawing figures in SVG: a palette of shaded fills, outlined shapes, and the
// picture as text. Coordinates are those of a 512x768 page; the picture has half as many pixels,
// enough for views of 192x288, and a larger reference makes every pose slower.

#include <string>
#include <string_view>

namespace pirouette::characters {

inline constexpr int kPageWidth = 512, kPageHeight = 768;
inline constexpr int kWidthPx = kPageWidth / 2, kHeightPx = kPageHeight / 2;
inline constexpr std::string_view kInk = "#2b2733";

class Svg {
 public:
  // A fill that is lit from the upper left; returns what a shape's fill is called.
  std::string shaded(std::string_view light, std::string_view dark);
  // A round fill, for heads, balls and glass.
  std::string round(std::string_view light, std::string_view dark);

  // Outlined by default, 4 pixels wide. path: SVG path syntax.
  void path(std::string_view path, std::string_view fill, double outline = 4);
  void ellipse(double x, double y, double rx, double ry, std::string_view fill, double outline = 4);
  void box(double x, double y, double width, double height, double radius, std::string_view fill,
           double outline = 4);
  // A line without fill.
  void line(std::string_view path, std::string_view colour, double width);
  // A shape of a translucent colour without outline: shadow and shine.
  void glaze(std::string_view path, std::string_view colour, double opacity);
  // What is drawn until end() turns by degrees around (x, y).
  void turn(double degrees, double x, double y);
  void end();

  // Friendly eyes, cheeks and mouth around the point between the eyes.
  void face(double x, double y, double gap, std::string_view iris);

  std::string text() const;  // the whole picture on white

 private:
  std::string gradient(std::string_view kind, std::string_view light, std::string_view dark);

  std::string defs_, body_;
  int gradients_ = 0;
};

}  // namespace pirouette::characters
