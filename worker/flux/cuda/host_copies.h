#pragma once
// A model's weights between files, host memory and the device, at the speed of disk and bus rather
// than of one thread: many threads read the mapped file, and what they read goes through
// page-locked memory, which the device reads by itself.

#include "worker/flux/checkpoint.h"

namespace pirouette::flux::cuda {

// All on the device, floats in that dtype. What is there already stays where it is.
Tensors move_to_device(Tensors tensors, at::ScalarType dtype, at::Device device);

// Copies in page-locked host memory, floats in that dtype: one stretch of memory, given back with
// the last of them. An exception where the host has too little.
Tensors copy_to_pinned(const Tensors& tensors, at::ScalarType dtype);

}  // namespace pirouette::flux::cuda
