import { describe, expect, it } from 'vitest';
import { summarize } from '../../../../src/bench/all-reduce/all-reduce-bench.ts';
import { bandwidthsOf, reductionsFor, secondsOfRound } from '../../../../src/bench/all-reduce/bandwidth.ts';
import { decideRoom } from '../../../../src/bench/all-reduce/room.ts';

describe('bandwidthsOf', () => {
  // Computed by hand: 4 MB in 2 ms are 2 GB/s, and the bus carries 2 (n − 1)/n of that.
  it.each([
    [1, 0],
    [2, 2],
    [4, 3],
    [8, 3.5],
  ])('%i processes', (world, bus) => {
    const found = bandwidthsOf(4e6, 0.002, world);
    expect(found.algorithm).toBeCloseTo(2, 12);
    expect(found.bus).toBeCloseTo(bus, 12);
  });
});

describe('secondsOfRound', () => {
  it('is the median of what each reduction took its slowest rank', () => {
    // Slowest by reduction: 5, 9, 4. No rank has the median 5 as its own, and the ranks' medians are 2 and 4.
    expect(
      secondsOfRound([
        [5, 2, 1],
        [1, 9, 4],
      ]),
    ).toBe(5);
  });
});

describe('reductionsFor', () => {
  it('fills the time, within bounds', () => {
    expect(reductionsFor(0.5, 0.002)).toBe(250);
    expect(reductionsFor(0.5, 2)).toBe(3);
    expect(reductionsFor(0.5, 1e-6)).toBe(1000);
  });
});

describe('summarize', () => {
  const rounds = (...seconds: readonly number[]) => seconds.map((each) => ({ seconds: each, wrong: 1 }));

  it('has the median of the rounds, the sum of what was wrong, and the median of the ratios of rounds to gloo', () => {
    // Ratios by round: 0.5, 0.25, 2. The ratio of the medians would be 0.003 / 0.004.
    const found = summarize(rounds(0.001, 0.003, 0.004), rounds(0.002, 0.012, 0.002), 12e6, 2);
    expect(found.timeUs).toBeCloseTo(3000, 9);
    expect(found.roundsUs.map(Math.round)).toEqual([1000, 3000, 4000]);
    expect(found.algbwGbPerSecond).toBeCloseTo(4, 9);
    expect(found.wrong).toBe(3);
    expect(found.timeToGloo).toBeCloseTo(0.5, 12);
  });

  it('has no ratio where gloo was not measured', () => {
    expect(summarize(rounds(0.001), [], 4, 2).timeToGloo).toBeUndefined();
  });
});

describe('decideRoom', () => {
  it('refuses what does not fit, before anything is started', () => {
    const available = 24e9;
    expect(decideRoom(8, 10_000_000, available)).toEqual({ kind: 'enough' });
    expect(decideRoom(16, 2 ** 27, available)).toMatchObject({
      kind: 'lacking',
      reason: expect.stringMatching(
        /^--world 16 with --floats 134217728 needs [\d.]+ GB of memory, and 24\.0 GB are free/,
      ),
    });
  });
});
