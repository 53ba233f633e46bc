import { describe, expect, test } from 'vitest';
import { type FleetMember, findFleetChanges } from '../../../../src/economics/record/fleet-change.ts';
import { fleetMember } from '../../../support/run-records.ts';

const member = (workerId: string, overrides: Partial<FleetMember> = {}) => fleetMember({ workerId, ...overrides });
const changesOf = (...fleets: readonly (readonly FleetMember[])[]) =>
  findFleetChanges(fleets.map((members, index) => ({ step: 10 * index, members })));

describe('a run that went on', () => {
  test('with the same workers is of one fleet, whatever their ranks', () => {
    expect(changesOf([member('w0'), member('w1')], [member('w1'), member('w0')])).toEqual([]);
    expect(changesOf([member('w0')])).toEqual([]);
    expect(findFleetChanges([])).toEqual([]);
  });

  test('with others says who left and who joined, at which step', () => {
    const [first, second] = [
      [member('w0'), member('w1')],
      [member('w0'), member('w2')],
    ];
    expect(changesOf(first, first, second)).toEqual([{ step: 20, change: 'w1 left, w2 joined' }]);
  });

  test('back to what it was has changed twice', () => {
    expect(changesOf([member('w0'), member('w1')], [member('w0')], [member('w0'), member('w1')])).toEqual([
      { step: 10, change: 'w1 left' },
      { step: 20, change: 'w1 joined' },
    ]);
  });

  test.each([
    [{ priceUsdPerHour: 0.2 }, 'w0 is $0.20 an hour instead of $0.10 an hour'],
    [{ priceUsdPerHour: undefined }, 'w0 is without a price instead of $0.10 an hour'],
    [{ backend: 'cpu', device: 'one core' }, 'w0 is cpu (one core) instead of wasm (wasm, SIMD)'],
    [{ emulatedSpeed: 0.25 }, 'w0 is wasm (wasm, SIMD), emulated at 25 % speed instead of wasm (wasm, SIMD)'],
    [{ gpu: 'gcp/t4/spot' }, 'w0 is gcp/t4/spot instead of without a label'],
  ] as const)('with %j names it', (difference, change) => {
    expect(changesOf([member('w0')], [member('w0', difference)])).toEqual([{ step: 10, change }]);
  });

  test('compares each worker with itself', () => {
    const [before, after] = [0.3, 0.4].map((priceUsdPerHour) => [member('w0'), member('w1', { priceUsdPerHour })]);
    expect(changesOf(before ?? [], after ?? [])).toEqual([
      { step: 10, change: 'w1 is $0.40 an hour instead of $0.30 an hour' },
    ]);
  });
});
