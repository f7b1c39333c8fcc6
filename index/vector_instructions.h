#ifndef TAUD_INDEX_VECTOR_INSTRUCTIONS_H_
#define TAUD_INDEX_VECTOR_INSTRUCTIONS_H_

namespace taud::index {

// OpenBLAS chooses its kernels when it is loaded, by the processor's model
// number; for a model newer than itself it falls back to SSE, at a quarter of
// the speed. It can be told by a variable only, so where that would help the
// program starts again with it set, and does not return. Call it first in main.
void RestartWithVectorInstructions(char** argv);

// One thread a call from now on: OpenBLAS has one pool for the process, and
// calls of different threads would wait for each other.
void UseOneBlasThread();

}  // namespace taud::index

#endif  // TAUD_INDEX_VECTOR_INSTRUCTIONS_H_
