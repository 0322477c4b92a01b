#include "tests/bench/turnaround/ceiling.h"

#include "worker/flux/autoencoder.h"
#include "worker/flux/device.h"
#include "worker/flux/part_weights.h"
#include "worker/flux/picture_tensor.h"
#include "worker/flux/storage/model_source.h"

namespace pirouette::bench {

Result<std::vector<JudgedPicture>> truth_through_autoencoder(const Setup& setup) {
  const at::NoGradGuard no_grad;
  std::vector<JudgedPicture> pictures;
  if (setup.ceiling_characters == 0) return pictures;
  const flux::ModelSource source = TRY(flux::find_weights(setup.engine.model));
  const at::Device device = TRY(flux::parse_device(setup.engine.device));
  const at::ScalarType dtype = setup.engine.precision() == "bfloat16" ? at::kBFloat16 : at::kFloat;
  const flux::Autoencoder autoencoder = TRY(flux::Autoencoder::load(
      TRY(flux::load_part(source.autoencoder, dtype, device)), source.numbers.autoencoder));
  for (int i = 0; i < setup.ceiling_characters; ++i) {
    JudgedPicture picture;
    picture.seed = setup.first + static_cast<std::uint64_t>(i);
    const characters::Body body = build(characters::character_of(picture.seed));
    for (std::size_t view = 0; view < standard_views().size(); ++view) {
      const Image truth = characters::render(body, judge::camera_of(view, setup.size));
      const at::Tensor there = flux::to_tensor(truth).to(device, dtype);
      picture.picture = flux::to_image(autoencoder.decode(autoencoder.encode(there)));
      pictures.push_back(picture);
    }
  }
  return pictures;
}

}  // namespace pirouette::bench
