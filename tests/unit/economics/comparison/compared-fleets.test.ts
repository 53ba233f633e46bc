import { describe, expect, test } from 'vitest';
import { groupRuns, priceOf } from '../../../../src/economics/comparison/compared-fleets.ts';
import { createNaming } from '../../../../src/economics/comparison/kind-names.ts';
import { comparedRun, type TestKind } from '../../../support/compared-runs.ts';

const wasm: TestKind = { backend: 'wasm', price: 0.4 };
const cpu: TestKind = { backend: 'cpu', price: 0.1 };
const groupsOf = (...runs: readonly (readonly [workers: readonly TestKind[], batch: number])[]) =>
  groupRuns(runs.map(([workers, batch]) => comparedRun({ workers, rate: 1000, batch })));
const describeGroups = (groups: ReturnType<typeof groupsOf>) =>
  groups.map(({ fleet, batch, runs }) => {
    const { fleetName } = createNaming(fleet.map(({ kind }) => kind));
    return `${fleetName(fleet)}, batch ${batch}: ${runs.length}`;
  });

describe('groupRuns', () => {
  test('puts small batches first, then few workers, then few kinds', () => {
    const groups = groupsOf([[wasm, cpu], 64], [[wasm, wasm], 64], [[cpu, cpu, cpu], 32], [[wasm], 64]);
    expect(describeGroups(groups)).toEqual([
      '3 × cpu, batch 32: 1',
      '1 × wasm, batch 64: 1',
      '2 × wasm, batch 64: 1',
      '1 × wasm + 1 × cpu, batch 64: 1',
    ]);
  });

  test('takes the same workers in another order for the same fleet', () => {
    expect(describeGroups(groupsOf([[wasm, cpu], 64], [[cpu, wasm], 64]))).toEqual(['1 × cpu + 1 × wasm, batch 64: 2']);
  });

  test('tells two of one kind and one of another from one and two', () => {
    expect(groupsOf([[wasm, wasm, cpu], 64], [[wasm, cpu, cpu], 64])).toHaveLength(2);
  });
});

test('a fleet has a price where all its workers have one', () => {
  const priceOfFleet = (...workers: readonly TestKind[]) => priceOf(groupsOf([workers, 64])[0]?.fleet ?? []);
  expect(priceOfFleet(wasm, wasm, cpu)).toBeCloseTo(0.9, 12);
  expect(priceOfFleet(wasm, { backend: 'cpu' })).toBeUndefined();
  expect(priceOfFleet({ backend: 'cpu' }, { backend: 'cpu' })).toBeUndefined();
});
