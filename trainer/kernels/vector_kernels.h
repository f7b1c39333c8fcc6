#ifndef TAUD_TRAINER_KERNELS_VECTOR_KERNELS_H_
#define TAUD_TRAINER_KERNELS_VECTOR_KERNELS_H_

#include <cstdint>

// The inner loops of learning on the CPU that are not matrix products. Each
// is compiled for plain x86-64, AVX2 and AVX-512, and the best that the
// processor has is taken at run time. Pure; any thread.

namespace taud::trainer {

float Dot(const float* a, const float* b, int64_t n);

// y += scale · x.
void AddScaled(float scale, const float* x, int64_t n, float* y);

float MaxOf(const float* x, int64_t n);

// x = exp((x − shift) · scale); returns the sum. REQUIRES: x <= shift and
// scale > 0, so that nothing overflows; exponents below −87 count as −87.
// Relative error below 3e-7.
float ExpInPlace(float shift, float scale, int64_t n, float* x);

// The sum that ExpInPlace returns, without writing.
float ExpSum(const float* x, float shift, float scale, int64_t n);

struct AdamStep {
  float rate = 0;         // learning rate ÷ (1 − β₁^t)
  float correction2 = 1;  // 1 ÷ (1 − β₂^t)
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
};

// One Adam step of a unit-norm row on the sphere: the gradient on the unit
// vector is projected on the tangent plane, (g − (g·ê) ê), the moments and the
// row move, and the row is scaled back to unit norm. Returns false, having
// written nothing, if the result would not be finite. n <= kMaxDim.
inline constexpr int64_t kMaxDim = 1024;
bool AdamOnSphere(const AdamStep& step, const float* gradient, int64_t n,
                  float* row, float* moment1, float* moment2);

// One Adam step of n values that are free: row = scale · row − the step.
// Returns the sum of their squares.
float AdamFree(const AdamStep& step, float scale, const float* gradient,
               int64_t n, float* row, float* moment1, float* moment2);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_VECTOR_KERNELS_H_
