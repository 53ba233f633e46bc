import { expect, test } from 'vitest';
import { countKinds, kindOf, speedKeyOf } from '../../../../src/economics/comparison/worker-kind.ts';
import { comparedRun, type TestKind } from '../../../support/compared-runs.ts';

const workersOf = (...workers: readonly TestKind[]) => comparedRun({ workers, rate: 1000, batch: 64 }).summary.workers;
const kindsOf = (...workers: readonly TestKind[]) => workersOf(...workers).map(kindOf);

test('a kind is named for its card, whoever rents it out, its engine, and that it is emulated', () => {
  expect(
    kindsOf(
      { backend: 'wasm' },
      { backend: 'tensorflow', gpu: 'gcp/T4/spot' },
      { backend: 'tensorflow', gpu: 'T4' },
      { backend: 'wasm', speed: 0.25 },
    ).map(({ name }) => name),
  ).toEqual(['wasm', 't4 tensorflow', 't4 tensorflow', 'wasm emulated at 25 % speed']);
});

test('workers are equally fast by what they compute with, and of one kind if they also cost the same', () => {
  const [base, cheaper, free, rented, other] = kindsOf(
    { backend: 'wasm', gpu: 'gcp/t4/spot', price: 0.4 },
    { backend: 'wasm', gpu: 'gcp/t4/spot', price: 0.2 },
    { backend: 'wasm', gpu: 'gcp/t4/spot' },
    { backend: 'wasm', gpu: 'aws/t4/on-demand', price: 0.4 },
    { backend: 'wasm', gpu: 'gcp/t4/spot', price: 0.4, device: 'wasm, 2 threads' },
  );
  for (const same of [cheaper, free, rented]) expect(same?.speedKey).toBe(base?.speedKey);
  expect(new Set([base, cheaper, free].map((kind) => kind?.priceKey)).size).toBe(3);
  expect(rented?.priceKey).toBe(base?.priceKey);
  expect(other?.speedKey).not.toBe(base?.speedKey);
});

test('a fleet is the same to compute with whatever the order and the prices of its workers', () => {
  const [wasm, cpu] = [{ backend: 'wasm', price: 1 }, { backend: 'cpu' }];
  const keyOf = (...workers: readonly TestKind[]) => speedKeyOf(countKinds(workersOf(...workers)));
  expect(keyOf(wasm, cpu, { ...wasm, price: 2 })).toBe(keyOf(cpu, wasm, wasm));
  expect(keyOf(wasm, cpu)).not.toBe(keyOf(wasm, wasm, cpu));
  const [first, ...others] = countKinds(workersOf(wasm, cpu));
  // With none of a kind a fleet is one without it.
  expect(first && speedKeyOf([{ ...first, count: 0 }, ...others])).toBe(keyOf(cpu));
});
