import { instantiateKernels, type UsableFlavour } from '../engine/wasm/kernel-module.ts';
import { createFlatMemory } from '../engine/wasm/trace/flat-memory.ts';

const operationsPerIteration = 80;
const iterations = 200_000;
const rounds = 40;

/**
 * The most floating-point operations that one core does in a second with the vectors that WebAssembly has: 128 bits, a
 * multiplication and an addition each (fused with relaxed SIMD). Measured by a kernel that does nothing else.
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
