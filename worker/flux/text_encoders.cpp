#include "worker/flux/text_encoders.h"

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
  const auto clip_ids = clip_tokenizer_.encode(prompt);
  const auto t5_ids = t5_tokenizer_.encode(prompt, static_cast<std::size_t>(length));
  return TextEmbedding{TRY(t5_.encode(t5_ids)),
                       TRY(clip_.encode(clip_ids, clip_tokenizer_.end_id())).pooled};
}

}  // namespace pirouette::flux
