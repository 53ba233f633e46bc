import { cpuProvider } from '../../src/engine/cpu/cpu-provider.ts';
import type { EngineProvider } from '../../src/engine/engine.ts';
import { chooseFlavour, type UsableFlavour } from '../../src/engine/wasm/kernel-module.ts';
import { createOpByOpEngine } from '../../src/engine/wasm/wasm-engine.ts';
import { wasmProvider } from '../../src/engine/wasm/wasm-provider.ts';
import { engineThreadProgram } from '../support/engine-thread-program.ts';
import { thorough } from '../support/thoroughness.ts';
import { describeEngine } from './engine.contract.ts';

/** What models get that cannot be traced. */
const opByOpProvider: EngineProvider = {
  ...wasmProvider(),
  create: (options) => createOpByOpEngine(options, chooseFlavour() as UsableFlavour),
};

// A convolution takes it half a second. The gradients of some, on the same backend, are always compared in
// tests/unit/engine/plain-tfjs.test.ts.
describeEngine('cpu', cpuProvider, thorough ? 'cnn' : 'mlp');
describeEngine('wasm (relaxed SIMD)', wasmProvider('relaxed-simd'));
describeEngine('wasm (SIMD)', wasmProvider('simd'));
describeEngine('wasm (op by op)', opByOpProvider);
// Every engine of these starts a thread, which loads tfjs anew; what is special about them is always shown, in
// tests/unit/engine/threads.
if (thorough) describeEngine('wasm (2 threads)', wasmProvider(undefined, 2, engineThreadProgram));
