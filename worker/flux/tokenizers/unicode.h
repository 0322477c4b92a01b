#pragma once
// The little Unicode that tokenizers need, over utf8proc. Text from outside may hold broken UTF-8:
// it is read as U+FFFD, one for each broken byte, and nothing here fails.

#include <string>
#include <string_view>

namespace pirouette::flux {

inline constexpr char32_t kReplacement = 0xFFFD;

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  // how many it takes in the text; 1 where the text is broken
};

// The first code point; text is not empty. Overlong forms, surrogates and what lies beyond
// U+10FFFF are broken.
CodePoint first_code_point(std::string_view text);

void append_utf8(std::string& text, char32_t code_point);

// Canonical composition (NFC).
std::u32string compose(std::string_view text);

bool is_letter(char32_t code_point);  // \p{L}
bool is_number(char32_t code_point);  // \p{N}
bool is_space(char32_t code_point);   // \s: Unicode's White_Space

// Each by itself, as Rust's char::to_lowercase: U+0130 becomes two, a final sigma is not seen.
std::u32string lower_case(std::u32string_view text);

}  // namespace pirouette::flux
