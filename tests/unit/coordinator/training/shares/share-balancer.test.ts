import { describe, expect, it } from 'vitest';
import type { MemberStep } from '../../../../../src/coordinator/run-events.ts';
import {
  createShareBalancer,
  knownSpeeds,
  speedKey,
} from '../../../../../src/coordinator/training/shares/share-balancer.ts';
import { noPhaseSeconds } from '../../../../../src/shared/core/phases.ts';
import { memberOf } from '../../generation/members.ts';

/** A step of 8 samples each, by the seconds that each rank computed. @param fixed seconds of the other phases, for all */
function unevenStep(compute: readonly number[], fixed: Partial<typeof noPhaseSeconds> = {}): readonly MemberStep[] {
  return compute.map((seconds, rank) => ({
    workerId: `w${rank}`,
    samples: 8,
    phases: { ...noPhaseSeconds, ...fixed, compute: seconds },
  }));
}

describe('shares', () => {
  it.each([
    ['on', ['a', 'a'], true],
    ['on', ['a', 'b'], true],
    ['auto', ['a', 'b'], true],
    ['auto', ['a', 'a'], false],
    ['off', ['a', 'b'], false],
  ] as const)('%s, of workers %j: follow measured speed: %s', (mode, keys, follow) => {
    const balancer = createShareBalancer(mode, 16, keys);
    expect(balancer.shares()).toEqual([8, 8]);
    const reasons = [0, 1, 2].map(() => balancer.observe(unevenStep([1, 4])));
    const reason = 'shares 8/8 -> 13/3: the slowest worker would have finished 59 % sooner in the last 3 steps';
    expect(reasons).toEqual([undefined, undefined, follow ? reason : undefined]);
    expect(balancer.shares()).toEqual(follow ? [13, 3] : [8, 8]);
    // Nothing is measured with the new shares yet.
    expect(balancer.secondsPerSample()).toBeUndefined();
  });

  it('follow what a share costs, and not loading and applying, which any share does', () => {
    const balancer = createShareBalancer('on', 16, ['a', 'a']);
    for (let step = 0; step < 2; step++) balancer.observe(unevenStep([1, 4], { load: 1, apply: 2 }));
    expect(balancer.observe(unevenStep([1, 4], { load: 1, apply: 2 }))).toBe(
      'shares 8/8 -> 13/3: the slowest worker would have finished 34 % sooner in the last 3 steps',
    );
  });

  it('come with what a sample takes each rank', () => {
    const balancer = createShareBalancer('on', 16, ['a', 'a']);
    balancer.observe(unevenStep([1, 4], { load: 1, apply: 2 }));
    expect(balancer.secondsPerSample()).toEqual([1 / 8, 4 / 8]);
  });

  it('pay no heed to communication and waiting', () => {
    const balancer = createShareBalancer('on', 16, ['a', 'a']);
    const [first, second] = unevenStep([2, 2]);
    if (first === undefined || second === undefined) throw new Error('two members');
    const waiting = { ...first, phases: { ...first.phases, communicate: 5, wait: 9 } };
    for (let step = 0; step < 10; step++) expect(balancer.observe([waiting, second])).toBeUndefined();
    expect(balancer.shares()).toEqual([8, 8]);
  });
});

describe('the first shares', () => {
  const selfMeasured = [100, 300].map((samplesPerSecond, rank) => {
    const member = memberOf(rank);
    return { ...member, ready: { ...member.ready, samplesPerSecond } };
  });
  const ids = selfMeasured.map(({ info }) => info.workerId);

  it('follow what the workers measured of themselves, and say so', () => {
    const { shares, firstReason } = createShareBalancer('on', 16, ['a', 'b'], knownSpeeds(selfMeasured, new Map()));
    expect(shares()).toEqual([4, 12]);
    expect(firstReason).toBe('shares 4/12: by the speeds that the workers measured of themselves');
  });

  it('follow what they have trained rather than that, where it is known of all', () => {
    const trained = new Map(ids.map((id, rank) => [id, rank === 0 ? 1 : 7]));
    const { shares, firstReason } = createShareBalancer('on', 16, ['a', 'b'], knownSpeeds(selfMeasured, trained));
    expect(shares()).toEqual([14, 2]);
    expect(firstReason).toBe('shares 14/2: by how fast these workers have trained');
    const [first = ''] = ids;
    expect(knownSpeeds(selfMeasured, new Map([[first, 1]]))?.source).toBe('self-measured');
  });

  it('follow nothing where one worker has not measured itself', () => {
    const unmeasured = { ...memberOf(2), ready: { ...memberOf(2).ready, samplesPerSecond: undefined } };
    expect(knownSpeeds([...selfMeasured, unmeasured], new Map())).toBeUndefined();
  });

  it('are even without a word where nothing is known, speeds are equal, or shares do not follow them', () => {
    const known = knownSpeeds(selfMeasured, new Map());
    const balancers = [
      createShareBalancer('on', 17, ['a', 'b']),
      createShareBalancer('on', 17, ['a', 'b'], { secondsPerSample: [2, 2], source: 'trained' }),
      createShareBalancer('auto', 17, ['a', 'a'], known),
      createShareBalancer('off', 17, ['a', 'b'], known),
    ];
    for (const { shares, firstReason } of balancers) {
      expect(shares()).toEqual([9, 8]);
      expect(firstReason).toBeUndefined();
    }
  });
});

it('workers should be equally fast that compute alike and stand for the same speed', () => {
  const member = memberOf(0);
  expect(speedKey(member)).toBe('wasm (wasm, SIMD) on x64 at 1');
  const slowed = { ...member, info: { ...member.info, emulatedSpeed: 0.5 } };
  expect(speedKey(slowed)).toBe('wasm (wasm, SIMD) on x64 at 0.5');
});
