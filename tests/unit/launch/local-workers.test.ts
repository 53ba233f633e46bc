import { expect, it } from 'vitest';
import { managedVariable, workerEnvironment } from '../../../src/launch/local-workers.ts';

it("keeps what describes the host from a worker's environment, and drops what flags decide", () => {
  const environment = { PATH: '/bin', PENNYGRAD_BATCH_SIZE: '8', PENNYGRAD_HOME: '/data', PENNYGRAD_WASM_SIMD: 'simd' };
  expect(workerEnvironment(environment, 0)).toEqual({
    PATH: '/bin',
    PENNYGRAD_HOME: '/data',
    PENNYGRAD_WASM_SIMD: 'simd',
    [managedVariable]: '1',
  });
});

it('gives workers the named GPUs in turn', () => {
  const adapters = [0, 1, 2].map(
    (localRank) => workerEnvironment({ PENNYGRAD_WEBGPU_ADAPTER: '1,3' }, localRank).PENNYGRAD_WEBGPU_ADAPTER,
  );
  expect(adapters).toEqual(['1', '3', '1']);
});
