#include "trainer/kernels/row_sum.h"

#include "trainer/kernels/instruction_sets.h"

namespace taud::trainer {
namespace {

// Rows that are asked for before they are needed.
constexpr int64_t kAhead = 8;
constexpr int64_t kFloatsALine = 16;

struct Entries {
  const float* x;
  const uint32_t* rows;
  const float* weights;
  int64_t count, dim;
};

// Columns [begin, begin + kVectors · width).
template <typename Vec, int kVectors>
TAUD_INLINE void Panel(const Entries& entries, int64_t begin, float scale,
                       const float* base, float* y) {
  constexpr int64_t kWidth = sizeof(Vec) / sizeof(float);
  Vec sum[kVectors] = {};
  if (base != nullptr) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sum[v] = *reinterpret_cast<const Vec*>(base + begin + v * kWidth);
    }
  }
  for (int64_t e = 0; e < entries.count; ++e) {
    if (e + kAhead < entries.count) {
      const float* next =
          entries.x + entries.rows[e + kAhead] * entries.dim + begin;
#pragma GCC unroll 16
      for (int64_t f = 0; f < kVectors * kWidth; f += kFloatsALine) {
        __builtin_prefetch(next + f);
      }
    }
    const float* row = entries.x + entries.rows[e] * entries.dim + begin;
    const float weight = entries.weights[e];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      sum[v] += weight * *reinterpret_cast<const Vec*>(row + v * kWidth);
    }
  }
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    *reinterpret_cast<Vec*>(y + begin + v * kWidth) = scale * sum[v];
  }
}

// Panels of 64 columns, then of one vector, then single ones.
template <typename Vec>
TAUD_INLINE void Sum(const Entries& entries, float scale, const float* base,
                     float* y) {
  constexpr int64_t kWidth = sizeof(Vec) / sizeof(float);
  constexpr int64_t kWide = 64;
  int64_t c = 0;
  for (; c + kWide <= entries.dim; c += kWide) {
    Panel<Vec, kWide / kWidth>(entries, c, scale, base, y);
  }
  for (; c + kWidth <= entries.dim; c += kWidth) {
    Panel<Vec, 1>(entries, c, scale, base, y);
  }
  for (; c < entries.dim; ++c) {
    float sum = base == nullptr ? 0.0f : base[c];
    for (int64_t e = 0; e < entries.count; ++e) {
      sum += entries.weights[e] * entries.x[entries.rows[e] * entries.dim + c];
    }
    y[c] = scale * sum;
  }
}

using Kernel = void (*)(const Entries&, float, const float*, float*);

void Generic(const Entries& entries, float scale, const float* base, float* y) {
  Sum<Vec4>(entries, scale, base, y);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void Avx2(const Entries& entries,
                                              float scale, const float* base,
                                              float* y) {
  Sum<Vec8>(entries, scale, base, y);
}

__attribute__((target("avx2,fma,avx512f"))) void Avx512(const Entries& entries,
                                                        float scale,
                                                        const float* base,
                                                        float* y) {
  Sum<Vec16>(entries, scale, base, y);
}

Kernel Best() { return BestOf<Kernel>(Generic, Avx2, Avx512); }
#else
Kernel Best() { return Generic; }
#endif

}  // namespace

void SumOfRows(const float* x, const uint32_t* rows, const float* weights,
               int64_t count, int64_t dim, float scale, const float* base,
               float* y) {
  static const Kernel best = Best();
  best({x, rows, weights, count, dim}, scale, base, y);
}

}  // namespace taud::trainer
