import { cpuProvider, wasmProvider } from '../../src/shared/engine/engines.ts';
import { describeEngine } from './engine.contract.ts';

describeEngine('cpu', cpuProvider);
describeEngine('wasm (relaxed SIMD)', wasmProvider('relaxed-simd'));
describeEngine('wasm (SIMD)', wasmProvider('simd'));
