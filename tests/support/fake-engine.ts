import type { Engine } from '../../src/engine/engine.ts';

/** An engine of two parameters that does nothing but what a test has it do. */
export function fakeEngine(overrides: Partial<Engine> = {}): Engine {
  return {
    name: 'cpu',
    device: 'none',
    parameterCount: 2,
    getParameters: async () => Float32Array.of(1, 2),
    setParameters: async () => {},
    getOptimizerState: async () => ({ iterations: 0, slots: [] }),
    setOptimizerState: async () => {},
    artifacts: () => ({ topology: {}, weightSpecs: [{ name: 'w', shape: [2], dtype: 'float32' }] }),
    computeGradients: async () => ({ lossSum: 1, correct: 1 }),
    applyGradients: async () => {},
    evaluate: async () => ({ lossSum: 0, correct: 0 }),
    predict: async (_, count) => new Float32Array(2 * count),
    dispose() {},
    ...overrides,
  };
}
