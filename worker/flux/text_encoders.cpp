#include "worker/flux/text_encoders.h"

#include "worker/flux/config.h"
#include "worker/flux/lora_merge.h"

namespace pirouette::flux {
namespace {

constexpr int64_t kClipHeads = 12;  // CLIP-L; its shapes do not tell

}  // namespace

Result<TextEncoders> TextEncoders::load(const std::filesystem::path& model,
                                        const std::filesystem::path& tokenizers, at::Device device,
                                        const std::vector<ScaledLora>& loras) {
  const auto clip = model / "text_encoder", t5 = model / "text_encoder_2";
  const auto config = TRY(load_config(clip / "config.json"));
  const int64_t heads = number_or(config, "num_attention_heads", kClipHeads);
  const Weights stored = TRY(load_weights(clip)).to(device);
  Weights clip_weights(TRY(merge_loras(stored.tensors(), loras, LoraModel::clip)), stored.source());
  return TextEncoders(TRY(ClipTokenizer::load(tokenizers / "tokenizer")),
                      TRY(T5Tokenizer::load(tokenizers / "tokenizer_2")),
                      TRY(ClipEncoder::load(std::move(clip_weights), heads)),
                      TRY(T5Encoder::load(TRY(load_weights(t5)).to(device))));
}

Result<TextEmbedding> TextEncoders::embed(std::string_view prompt, int length) const {
  const auto clip_ids = clip_tokenizer_.encode(prompt);
  const auto t5_ids = t5_tokenizer_.encode(prompt, static_cast<std::size_t>(length));
  return TextEmbedding{TRY(t5_.encode(t5_ids)),
                       TRY(clip_.encode(clip_ids, clip_tokenizer_.end_id())).pooled};
}

}  // namespace pirouette::flux
