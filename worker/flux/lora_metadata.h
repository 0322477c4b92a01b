#pragma once
// What trainers write into a LoRA file's metadata, for people: kohya's ss_*, the model
// specification's modelspec.*, ai-toolkit's and PEFT's few words. Pure. Bytes of strangers: every
// text is cut short, on a character's border, and has no control characters.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pirouette::flux {

// Printable and short.
std::string shown(std::string_view text);

// The words that a prompt should have, most telling first: what the file calls its trigger, else
// the most frequent tags that it was trained with.
std::vector<std::string> trigger_words(const std::map<std::string, std::string>& metadata);

// What tells of the training, cut short; long lists (tags, images, thumbnails) are left out.
std::map<std::string, std::string> training_metadata(
    const std::map<std::string, std::string>& metadata);

}  // namespace pirouette::flux
