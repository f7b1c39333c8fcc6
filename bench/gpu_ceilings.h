#ifndef TAUD_BENCH_GPU_CEILINGS_H_
#define TAUD_BENCH_GPU_CEILINGS_H_

// What the GPU can do at best, measured: the floors that times are held
// against.

namespace taud::bench {

struct GpuCeilings {
  double copy_bytes_per_second = 0;  // device to device, read plus written
  double half_ops_per_second = 0;    // m16n8k16 products, operations
  double float_ops_per_second = 0;   // fused multiply-adds, operations
};
GpuCeilings MeasureCeilings();

}  // namespace taud::bench

#endif  // TAUD_BENCH_GPU_CEILINGS_H_
