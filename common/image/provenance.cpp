#include "common/image/provenance.h"

namespace pirouette {
namespace {

std::string without_markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string xmp_packet(std::string_view tool) {
  // begin: the byte order mark, by which scanners tell the packet's encoding.
  return "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
         "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
         " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
         "  <rdf:Description rdf:about=\"\"\n"
         "    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"\n"
         "    xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"\n"
         "    xmp:CreatorTool=\"" +
         without_markup(tool) + "\"\n    Iptc4xmpExt:DigitalSourceType=\"" +
         std::string(kTrainedAlgorithmicMedia) +
         "\"/>\n"
         " </rdf:RDF>\n"
         "</x:xmpmeta>\n"
         "<?xpacket end=\"r\"?>";
}

}  // namespace

std::map<std::string, std::string> provenance_texts(const std::string& parameters,
                                                    std::string_view tool) {
  return {{std::string(kParametersKey), parameters}, {std::string(kXmpKey), xmp_packet(tool)}};
}

}  // namespace pirouette
