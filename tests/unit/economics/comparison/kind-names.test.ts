import { expect, test } from 'vitest';
import { createNaming } from '../../../../src/economics/comparison/kind-names.ts';
import { kindOf } from '../../../../src/economics/comparison/worker-kind.ts';
import { comparedRun, type TestKind } from '../../../support/compared-runs.ts';

function namesOf(...workers: readonly TestKind[]): readonly string[] {
  const kinds = comparedRun({ workers, rate: 1000, batch: 64 }).summary.workers.map(kindOf);
  return kinds.map(createNaming(kinds).kindName);
}
const wasm = (device: string, price?: number): TestKind => ({
  backend: 'wasm',
  device,
  ...(price === undefined ? {} : { price }),
});

test('a name has what tells a kind from its namesakes', () => {
  expect(namesOf(wasm('wasm, SIMD'), { backend: 'cpu' })).toEqual(['wasm', 'cpu']);
  expect(namesOf(wasm('wasm, SIMD'), wasm('wasm, SIMD, 2 threads'))).toEqual(['wasm', 'wasm (2 threads)']);
  expect(namesOf(wasm('wasm, SIMD'), wasm('wasm, relaxed SIMD'))).toEqual(['wasm (SIMD)', 'wasm (relaxed SIMD)']);
  expect(namesOf(wasm('x'), wasm('x, 2 threads, pinned'))).toEqual(['wasm', 'wasm (2 threads, pinned)']);
  expect(namesOf(wasm('a, b'), wasm('b, a'))).toEqual(['wasm (a, b)', 'wasm (b, a)']);
});

test('a price is in a name where kinds differ in nothing else, with the digits that it takes', () => {
  expect(namesOf(wasm('x', 3.6), wasm('x', 0.4), wasm('x'))).toEqual([
    ...['wasm at $3.60/h', 'wasm at $0.40/h', 'wasm without a price'],
  ]);
  expect(namesOf(wasm('x', 0.0501), wasm('x', 0.0502))).toEqual(['wasm at $0.0501/h', 'wasm at $0.0502/h']);
  expect(namesOf(wasm('x', 1), wasm('x, 2 threads', 2), wasm('x, 2 threads', 3))).toEqual([
    ...['wasm', 'wasm (2 threads) at $2.00/h', 'wasm (2 threads) at $3.00/h'],
  ]);
});

test('a label is the same in capitals', () => {
  const [a, b] = comparedRun({
    workers: [
      { backend: 'wasm', gpu: 'GCP/T4/spot' },
      { backend: 'wasm', gpu: 'gcp/t4/spot' },
    ],
    rate: 1000,
    batch: 64,
  }).summary.workers;
  expect(a && kindOf(a).priceKey).toBe(b && kindOf(b).priceKey);
});
