#include "trainer/kernels/vector_kernels.h"

#include <cmath>
#include <cstring>

#include "trainer/kernels/instruction_sets.h"

// Compiled with -fopenmp-simd and -fno-math-errno: the loops below become
// vector code without giving up IEEE arithmetic elsewhere.

namespace taud::trainer {
namespace {

// exp(x) for x in [-87, 0]: 2^n · 2^f with n the nearest integer to x/ln 2 and
// the Taylor polynomial of 2^f on [-1/2, 1/2]. NaN counts as −87.
TAUD_INLINE float ExpNegative(float x) {
  const float t = (x >= -87.0f ? x : -87.0f) * 1.44269504f;
  // Truncation rounds t − ½ to the nearest integer because t <= 0.
  const int32_t n = static_cast<int32_t>(t - 0.5f);
  const float z = (t - static_cast<float>(n)) * 0.693147181f;
  float p = 1.0f / 720.0f;
  p = p * z + 1.0f / 120.0f;
  p = p * z + 1.0f / 24.0f;
  p = p * z + 1.0f / 6.0f;
  p = p * z + 0.5f;
  p = p * z + 1.0f;
  p = p * z + 1.0f;
  const uint32_t bits = static_cast<uint32_t>(n + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof(power));
  return p * power;
}

TAUD_INLINE float DotBody(const float* a, const float* b, int64_t n) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

TAUD_INLINE void AddScaledBody(float scale, const float* x, int64_t n,
                               float* y) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] += scale * x[i];
}

TAUD_INLINE float MaxOfBody(const float* x, int64_t n) {
  float best = x[0];
#pragma omp simd reduction(max : best)
  for (int64_t i = 1; i < n; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

TAUD_INLINE float ExpInPlaceBody(float shift, float scale, int64_t n,
                                 float* x) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) {
    const float e = ExpNegative((x[i] - shift) * scale);
    x[i] = e;
    sum += e;
  }
  return sum;
}

TAUD_INLINE float ExpSumBody(const float* x, float shift, float scale,
                             int64_t n) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) {
    sum += ExpNegative((x[i] - shift) * scale);
  }
  return sum;
}

TAUD_INLINE bool AdamOnSphereBody(const AdamStep& s, const float* gradient,
                                  int64_t n, float* row, float* moment1,
                                  float* moment2) {
  const float radial = DotBody(gradient, row, n);
  float moved[kMaxDim];
  float first[kMaxDim];
  float second[kMaxDim];
  float norm2 = 0.0f;
  float second_sum = 0.0f;
#pragma omp simd reduction(+ : norm2, second_sum)
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] - radial * row[i];
    const float m = s.beta1 * moment1[i] + (1.0f - s.beta1) * g;
    const float v = s.beta2 * moment2[i] + (1.0f - s.beta2) * g * g;
    const float x =
        row[i] - s.rate * m / (std::sqrt(v * s.correction2) + s.epsilon);
    first[i] = m;
    second[i] = v;
    moved[i] = x;
    norm2 += x * x;
    second_sum += v;
  }
  // NaN and infinity both end up in the sums; an infinite second moment would
  // hold the row for ever. Zero has no direction.
  if (!(norm2 > 1e-12f) || !std::isfinite(norm2 + second_sum)) return false;
  const float scale = 1.0f / std::sqrt(norm2);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) row[i] = moved[i] * scale;
  std::memcpy(moment1, first, sizeof(float) * static_cast<size_t>(n));
  std::memcpy(moment2, second, sizeof(float) * static_cast<size_t>(n));
  return true;
}

TAUD_INLINE float AdamFreeBody(const AdamStep& s, float scale,
                               const float* gradient, int64_t n, float* row,
                               float* moment1, float* moment2) {
  float square = 0.0f;
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    const float m = s.beta1 * moment1[i] + (1.0f - s.beta1) * g;
    const float v = s.beta2 * moment2[i] + (1.0f - s.beta2) * g * g;
    const float x = scale * row[i] -
                    s.rate * m / (std::sqrt(v * s.correction2) + s.epsilon);
    moment1[i] = m;
    moment2[i] = v;
    row[i] = x;
    square += x * x;
  }
  return square;
}

struct Kernels {
  float (*dot)(const float*, const float*, int64_t);
  void (*add_scaled)(float, const float*, int64_t, float*);
  float (*max_of)(const float*, int64_t);
  float (*exp_in_place)(float, float, int64_t, float*);
  float (*exp_sum)(const float*, float, float, int64_t);
  bool (*adam)(const AdamStep&, const float*, int64_t, float*, float*, float*);
  float (*adam_free)(const AdamStep&, float, const float*, int64_t, float*,
                     float*, float*);
};

// A set of the kernels above compiled for one instruction set.
#define TAUD_KERNEL_SET(name, attribute)                                      \
  struct name {                                                               \
    attribute static float DotOf(const float* a, const float* b, int64_t n) { \
      return DotBody(a, b, n);                                                \
    }                                                                         \
    attribute static void Add(float s, const float* x, int64_t n, float* y) { \
      AddScaledBody(s, x, n, y);                                              \
    }                                                                         \
    attribute static float Max(const float* x, int64_t n) {                   \
      return MaxOfBody(x, n);                                                 \
    }                                                                         \
    attribute static float Exp(float h, float s, int64_t n, float* x) {       \
      return ExpInPlaceBody(h, s, n, x);                                      \
    }                                                                         \
    attribute static float Sum(const float* x, float h, float s, int64_t n) { \
      return ExpSumBody(x, h, s, n);                                          \
    }                                                                         \
    attribute static bool Adam(const AdamStep& s, const float* g, int64_t n,  \
                               float* e, float* m, float* v) {                \
      return AdamOnSphereBody(s, g, n, e, m, v);                              \
    }                                                                         \
    attribute static float Free(const AdamStep& s, float c, const float* g,   \
                                int64_t n, float* e, float* m, float* v) {    \
      return AdamFreeBody(s, c, g, n, e, m, v);                               \
    }                                                                         \
    static constexpr Kernels kAll = {DotOf, Add, Max, Exp, Sum, Adam, Free};  \
  };

TAUD_KERNEL_SET(Generic, )
#if defined(__x86_64__)
TAUD_KERNEL_SET(Avx2, __attribute__((target("avx2,fma"))))
TAUD_KERNEL_SET(Avx512,
                __attribute__((target("avx2,fma,avx512f,avx512dq,avx512vl"))))
#endif

const Kernels& Best() {
#if defined(__x86_64__)
  static const Kernels& best =
      *BestOf<const Kernels*>(&Generic::kAll, &Avx2::kAll, &Avx512::kAll);
  return best;
#else
  return Generic::kAll;
#endif
}

}  // namespace

float Dot(const float* a, const float* b, int64_t n) {
  return Best().dot(a, b, n);
}

void AddScaled(float scale, const float* x, int64_t n, float* y) {
  Best().add_scaled(scale, x, n, y);
}

float MaxOf(const float* x, int64_t n) { return Best().max_of(x, n); }

float ExpInPlace(float shift, float scale, int64_t n, float* x) {
  return Best().exp_in_place(shift, scale, n, x);
}

float ExpSum(const float* x, float shift, float scale, int64_t n) {
  return Best().exp_sum(x, shift, scale, n);
}

bool AdamOnSphere(const AdamStep& step, const float* gradient, int64_t n,
                  float* row, float* moment1, float* moment2) {
  return Best().adam(step, gradient, n, row, moment1, moment2);
}

float AdamFree(const AdamStep& step, float scale, const float* gradient,
               int64_t n, float* row, float* moment1, float* moment2) {
  return Best().adam_free(step, scale, gradient, n, row, moment1, moment2);
}

}  // namespace taud::trainer
