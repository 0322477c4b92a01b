#pragma once
// How a picture says in itself that a model made it: an XMP packet with IPTC's digital source type,
// which platforms and image tools read. It is plain text and anybody can take it off again: it
// informs, it proves nothing.

#include <map>
#include <string>
#include <string_view>

namespace pirouette {

// PNG's keyword for XMP; it stands in an iTXt chunk, whatever the text (XMP specification, part 3).
inline constexpr std::string_view kXmpKey = "XML:com.adobe.xmp";
// What AUTOMATIC1111's web UI, and whoever reads its pictures, look for (common/job/parameters.h).
inline constexpr std::string_view kParametersKey = "parameters";

// IPTC's word for "made by a model that was trained",
// https://cv.iptc.org/newscodes/digitalsourcetype.
inline constexpr std::string_view kTrainedAlgorithmicMedia =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

// The texts of a picture that was rendered, for encode_png. tool: "Pirouette 0.1.0". The same every
// time: no clock goes into a picture, so that one job always gives the same bytes.
std::map<std::string, std::string> provenance_texts(const std::string& parameters,
                                                    std::string_view tool);

}  // namespace pirouette
