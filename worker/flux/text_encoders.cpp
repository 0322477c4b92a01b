#include "worker/flux/text_encoders.h"

#include <ATen/Parallel.h>

#include "worker/flux/lora_merge.h"
#include "worker/flux/part_weights.h"

namespace pirouette::flux {

Result<TextEncoders> TextEncoders::load(const ModelSource& source, at::ScalarType dtype,
                                        at::Device device, const std::vector<ScaledLora>& loras,
                                        bool streams_t5) {
  const Weights stored = TRY(load_part(source.clip, dtype, device));
  Weights clip(TRY(merge_loras(stored.tensors(), loras, LoraModel::clip)), stored.source());
  const at::Device t5_at = streams_t5 ? at::Device(at::kCPU) : device;
  TextEncoders encoders =
      TRY(make(source, std::move(clip), TRY(load_part(source.t5, dtype, t5_at))));
  encoders.t5_.compute_on(device);
  return encoders;
}

Result<TextEncoders> TextEncoders::make(const ModelSource& source, Weights clip, Weights t5) {
  return TextEncoders(TRY(ClipTokenizer::load(source.tokenizers / "tokenizer")),
                      TRY(T5Tokenizer::load(source.tokenizers / "tokenizer_2")),
                      TRY(ClipEncoder::load(std::move(clip), source.numbers.clip_heads)),
                      TRY(T5Encoder::load(std::move(t5))));
}

Result<TextEmbedding> TextEncoders::embed(std::string_view prompt, int length) const {
  const std::string one(prompt);
  return embed_all({&one, 1}, length);
}

Result<TextEmbedding> TextEncoders::embed_all(std::span<const std::string> prompts,
                                              int length) const {
  const auto count = static_cast<int64_t>(prompts.size());
  std::vector<std::vector<std::int64_t>> clip_ids(prompts.size()), t5_ids(prompts.size());
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      clip_ids[i] = clip_tokenizer_.encode(prompts[i]);
      t5_ids[i] = t5_tokenizer_.encode(prompts[i], static_cast<std::size_t>(length));
    }
  });
  return TextEmbedding{TRY(t5_.encode_all(t5_ids)),
                       TRY(clip_.encode_all(clip_ids, clip_tokenizer_.end_id())).pooled};
}

}  // namespace pirouette::flux
