// Learning on a GPU: a step's time from the batch on the host to its losses on
// the host, the kernels of a step alone, and the rows that the optimiser moves
// a second, beside what the chip can do. Prints a table.
//
//   gpu_learn_bench

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/gpu_ceilings.h"
#include "device/cuda_memory.h"
#include "device/device.h"
#include "trainer/cuda/cuda_mf.h"
#include "trainer/cuda/gpu_step.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/mf/mf_learner.h"

namespace taud::trainer {
namespace {

using device::DeviceArray;

struct Shape {
  const char* name;
  int dim;
  uint32_t users, items, rows, negatives;
};

std::vector<float> UnitRows(uint32_t count, int dim) {
  std::minstd_rand random(5);
  std::vector<float> values(size_t{count} * dim);
  for (uint32_t r = 0; r < count; ++r) {
    float* row = &values[size_t{r} * dim];
    float sum = 0;
    for (int c = 0; c < dim; ++c) {
      row[c] = static_cast<float>(random()) / 2147483647.0f - 0.5f;
      sum += row[c] * row[c];
    }
    for (int c = 0; c < dim; ++c) row[c] /= std::sqrt(sum);
  }
  return values;
}

void Fill(const Shape& shape, MfLearner* learner) {
  learner->Grow(shape.users, shape.items);
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const uint32_t count = side == Side::kUsers ? shape.users : shape.items;
    std::vector<uint32_t> rows(count);
    for (uint32_t r = 0; r < count; ++r) rows[r] = r;
    learner->SetRows(side, rows, UnitRows(count, shape.dim).data());
  }
}

SsmBatch MakeBatch(const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  SsmBatch batch;
  for (uint32_t r = 0; r < shape.rows; ++r) {
    batch.users.push_back(random() % shape.users);
    batch.positives.push_back(random() % shape.items);
    batch.temperatures.push_back(0.09f);
    batch.weights.push_back(1.0f);
    for (int c = 0; c < shape.dim; ++c) {
      batch.user_mask.push_back(random() % 10 == 0 ? 0.0f : 1.0f);
    }
  }
  std::vector<uint32_t> all(shape.items);
  for (uint32_t i = 0; i < shape.items; ++i) all[i] = i;
  for (uint32_t i = 0; i < shape.negatives; ++i) {
    std::swap(all[i], all[i + random() % (shape.items - i)]);
  }
  batch.negatives.assign(all.begin(), all.begin() + shape.negatives);
  batch.common_temperature = 0.1f;
  return batch;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2,
                   values.end());
  return values[values.size() / 2];
}

// Milliseconds a step, the median.
double StepTime(const Shape& shape, MfLearner* learner, int steps) {
  Fill(shape, learner);
  std::vector<SsmBatch> batches;
  for (uint32_t b = 0; b < 8; ++b) batches.push_back(MakeBatch(shape, b));
  const std::vector<float> user_rates(shape.users, 0.005f);
  const std::vector<float> item_rates(shape.items, 0.005f);
  MfStepResult result;
  std::vector<double> times;
  for (int step = 0; step < steps; ++step) {
    const auto begin = std::chrono::steady_clock::now();
    learner->Step(batches[step % 8], user_rates, item_rates, &result);
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin;
    if (step >= steps / 5) times.push_back(took.count());
  }
  return Median(times);
}

// Milliseconds of what `work` starts on the stream, the median of 30.
double GpuTime(const device::Stream& stream,
               const std::function<void()>& work) {
  cudaEvent_t begin, end;
  device::Check(cudaEventCreate(&begin), "making an event");
  device::Check(cudaEventCreate(&end), "making an event");
  std::vector<double> times;
  for (int run = 0; run < 35; ++run) {
    cudaEventRecord(begin, stream.get());
    work();
    cudaEventRecord(end, stream.get());
    device::Check(cudaEventSynchronize(end), "waiting for an event");
    float milliseconds = 0;
    cudaEventElapsedTime(&milliseconds, begin, end);
    if (run >= 5) times.push_back(milliseconds);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return Median(times);
}

struct Tables {
  DeviceArray<float> values, moment1, moment2;
  DeviceArray<uint32_t> updates;
  Tables(const device::Stream* stream, uint32_t rows, int dim)
      : values(stream), moment1(stream), moment2(stream), updates(stream) {
    const std::vector<float> unit = UnitRows(rows, dim);
    values.FromHost(unit.data(), unit.size());
    moment1.Reserve(unit.size());
    moment2.Reserve(unit.size());
    updates.Reserve(rows);
    moment1.Clear(0, unit.size());
    moment2.Clear(0, unit.size());
    updates.Clear(0, rows);
    stream->Wait();
  }
  GpuTable gpu() const {
    return {values.data(), moment1.data(), moment2.data(), updates.data()};
  }
};

// The kernels of a step, without the host and without copies.
void KernelTimes(const Shape& shape, const bench::GpuCeilings& ceilings) {
  const device::Stream stream(0);
  const Tables users(&stream, shape.users, shape.dim);
  const Tables items(&stream, shape.items, shape.dim);
  std::vector<float> table(2 * (kCorrectedSteps + 1));
  FillCorrections(table.data());
  DeviceArray<float> corrections(&stream);
  corrections.FromHost(table.data(), table.size());
  GpuStep step(&stream, shape.dim);
  MfStepResult result;
  const std::vector<float> user_rates(shape.users, 0.005f);
  const std::vector<float> item_rates(shape.items, 0.005f);
  const SsmBatch batch = MakeBatch(shape, 1);
  step.Send(batch, shape.users, shape.items, &user_rates, &item_rates, &result);
  stream.Wait();
  const double gradients = GpuTime(stream, [&] {
    ComputeGradients(users.gpu(), items.gpu(), step.batch(), stream.get());
  });
  const double moves = GpuTime(stream, [&] {
    MoveUsers(users.gpu(), items.gpu(), step.batch(), step.user_moves(),
              corrections.data(), step.counter(), stream.get());
    MoveItems(items.gpu(), step.batch(), step.item_moves(), corrections.data(),
              step.counter(), stream.get());
  });
  const double moved =
      double{1} * step.user_moves().count + step.item_moves().count;
  // Three scores and two gradients: products of rows by negatives by dim.
  const double operations = 5.0 * 2 * shape.rows * shape.negatives * shape.dim;
  const double floor = operations / ceilings.float_ops_per_second * 1e3;
  std::printf(
      "%-12s gradients %.3f ms (float floor %.3f, %.0f%%); optimiser %.3f ms, "
      "%.3f G rows/s\n",
      shape.name, gradients, floor, 100 * floor / gradients, moves,
      moved / moves / 1e6);
}

int Run() {
  if (device::NumGpus() == 0) {
    std::printf("no measurement: %s\n", device::WhyNoGpu().c_str());
    return 1;
  }
  const bench::GpuCeilings ceilings = bench::MeasureCeilings();
  const Shape shapes[] = {
      {"step", 64, 30000, 41000, 2048, 1024},
      {"wide", 128, 30000, 41000, 2048, 1024},
      {"large", 64, 1000000, 1000000, 16384, 4096},
      {"all items", 64, 30000, 41000, 2048, 41000},
      // Rows by the million: what the optimiser moves.
      {"rows", 64, 2000000, 2000000, 1000000, 64},
  };
  for (const Shape& shape : shapes) {
    KernelTimes(shape, ceilings);
    std::fflush(stdout);
  }
  for (const Shape& shape : {shapes[0], shapes[1], shapes[2], shapes[3]}) {
    auto gpu = MakeCudaMf(shape.dim, 0);
    if (!gpu.ok()) {
      std::printf("%s\n", gpu.status().ToString().c_str());
      return 1;
    }
    const double ours = StepTime(shape, gpu->get(), 60);
    WorkerPool pool(16);
    const double cpu = StepTime(shape, MakeCpuMf(shape.dim, &pool).get(), 10);
    std::printf("%-12s whole step %.3f ms; 16 threads of the CPU %.3f ms\n",
                shape.name, ours, cpu);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace taud::trainer

int main() { return taud::trainer::Run(); }
