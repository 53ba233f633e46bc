import { instantiateKernels, type UsableFlavour } from '../engine/wasm/kernel-module.ts';
import { createFlatMemory } from '../engine/wasm/trace/flat-memory.ts';

const operationsPerIteration = 80;
const iterations = 200_000;
const rounds = 40;

/**
 * The peak of one core in floating-point operations per second, with WebAssembly's vectors of 128 bits and a
 * multiplication and an addition each (fused with relaxed SIMD). Measured with a kernel that does nothing else.
 */
export async function peakFlops({ flavour }: UsableFlavour): Promise<number> {
  const kernels = await instantiateKernels(flavour, createFlatMemory().memory);
  let shortest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    kernels.multiplyAddChains(iterations);
    shortest = Math.min(shortest, performance.now() - started);
  }
  return (operationsPerIteration * iterations) / (shortest / 1000);
}
