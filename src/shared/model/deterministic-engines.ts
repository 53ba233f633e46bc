/**
 * Engines, by name, whose gradient of a batch has the same bits whatever they compute before it. TensorFlow and WebGPU choose
 * their kernels, and the order in which these add, by themselves.
 */
export const deterministicEngines: readonly string[] = ['wasm', 'cpu'];
