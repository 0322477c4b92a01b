// See svg.h.

#include "deploy/characters/svg.h"

#include <array>
#include <cstdio>

namespace pirouette::characters {
namespace {

std::string number(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.5g", value);
  return text.data();
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + std::string(value) + "\"";
}

std::string attribute(std::string_view name, double value) {
  return attribute(name, number(value));
}

std::string painted(std::string_view fill, double outline) {
  std::string out = attribute("fill", fill);
  if (outline > 0) out += attribute("stroke", kInk) + attribute("stroke-width", outline);
  return out;
}

}  // namespace

std::string Svg::gradient(std::string_view kind, std::string_view light, std::string_view dark) {
  const std::string name = "g" + std::to_string(++gradients_);
  const bool is_round = kind == "radialGradient";
  defs_ += "<" + std::string(kind) + attribute("id", name);
  defs_ += is_round ? attribute("cx", 0.35) + attribute("cy", 0.3) + attribute("r", 0.8)
                    : attribute("x1", 0.1) + attribute("y1", 0.0) + attribute("x2", 0.9) +
                          attribute("y2", 1.0);
  defs_ += "><stop" + attribute("offset", 0.15) + attribute("stop-color", light) + "/><stop" +
           attribute("offset", 1.0) + attribute("stop-color", dark) + "/></" + std::string(kind) +
           ">\n";
  return "url(#" + name + ")";
}

std::string Svg::shaded(std::string_view light, std::string_view dark) {
  return gradient("linearGradient", light, dark);
}

std::string Svg::round(std::string_view light, std::string_view dark) {
  return gradient("radialGradient", light, dark);
}

void Svg::path(std::string_view path, std::string_view fill, double outline) {
  body_ += "<path" + attribute("d", path) + painted(fill, outline) + "/>\n";
}

void Svg::ellipse(double x, double y, double rx, double ry, std::string_view fill, double outline) {
  body_ += "<ellipse" + attribute("cx", x) + attribute("cy", y) + attribute("rx", rx) +
           attribute("ry", ry) + painted(fill, outline) + "/>\n";
}

void Svg::box(double x, double y, double width, double height, double radius, std::string_view fill,
              double outline) {
  body_ += "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", width) +
           attribute("height", height) + attribute("rx", radius) + painted(fill, outline) + "/>\n";
}

void Svg::line(std::string_view path, std::string_view colour, double width) {
  body_ += "<path" + attribute("d", path) + attribute("fill", "none") +
           attribute("stroke", colour) + attribute("stroke-width", width) + "/>\n";
}

void Svg::glaze(std::string_view path, std::string_view colour, double opacity) {
  body_ += "<path" + attribute("d", path) + attribute("fill", colour) +
           attribute("fill-opacity", opacity) + "/>\n";
}

void Svg::turn(double degrees, double x, double y) {
  body_ +=
      "<g transform=\"rotate(" + number(degrees) + " " + number(x) + " " + number(y) + ")\">\n";
}

void Svg::end() { body_ += "</g>\n"; }

void Svg::face(double x, double y, double gap, std::string_view iris) {
  for (const double side : {-1.0, 1.0}) {
    const double eye = x + side * gap;
    ellipse(eye + side * 9, y + 22, 11, 7, "#f0907e", 0);
    ellipse(eye, y, 9, 12, "#ffffff", 2.5);
    ellipse(eye + 0.5, y + 2, 5.5, 8, iris, 0);
    ellipse(eye + 0.5, y + 2, 3, 5, kInk, 0);
    ellipse(eye - 1.5, y - 2, 2, 2.6, "#ffffff", 0);
  }
  const std::string mouth = "M" + number(x - 10) + " " + number(y + 26) + " Q" + number(x) + " " +
                            number(y + 36) + " " + number(x + 10) + " " + number(y + 26);
  line(mouth, kInk, 3.5);
}

std::string Svg::text() const {
  const std::string page = "0 0 " + number(kPageWidth) + " " + number(kPageHeight);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", kWidthPx) +
         attribute("height", kHeightPx) + attribute("viewBox", page) + ">\n<defs>\n" + defs_ +
         "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
         "<g stroke-linejoin=\"round\" stroke-linecap=\"round\">\n" +
         body_ + "</g>\n</svg>\n";
}

}  // namespace pirouette::characters
