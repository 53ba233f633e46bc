/** The plan against links that a test makes up: it must find their rate and delay, and what it spends is bounded. */
import { describe, expect, it } from 'vitest';
import { decideProbe, type ProbeRound } from '../../../src/worker/probe-plan.ts';

interface PlayedLink {
  /** Bytes a second. */
  readonly rate: number;
  readonly roundTrip: number;
  /** Bytes that a token bucket lets pass at once after a rest. */
  readonly burst?: number;
  /** By how many seconds the round of this number is late. */
  readonly late?: (round: number) => number;
}

function measure({ rate, roundTrip, burst = 0, late = () => 0 }: PlayedLink) {
  const rounds: ProbeRound[] = [];
  let tokens = burst;
  for (;;) {
    const decision = decideProbe(rounds);
    const seconds = rounds.reduce((sum, round) => sum + round.seconds, 0);
    if (decision.kind === 'enough') {
      return { ...decision.link, rounds, seconds, bytes: rounds.reduce((sum, round) => sum + round.bytes, 0) };
    }
    const { bytes } = decision;
    const shaped = Math.max(0, bytes - tokens);
    const waited = roundTrip + late(rounds.length);
    tokens = Math.min(burst, Math.max(0, tokens - bytes) + waited * rate);
    rounds.push({ bytes, seconds: waited + shaped / rate });
    if (rounds.length > 100) throw new Error('it never ends');
  }
}

/** Bytes a second of so many Mbit/s. */
const mbit = (value: number) => (value * 1e6) / 8;
/** What `tc` is told where hosts of a benchmark get a rate: at least 64 KiB, or what 4 ms carry. */
const usualBurst = (rate: number) => Math.max(65_536, rate * 0.004);

describe('the plan of a measurement', () => {
  it.each([1, 20, 100, 1000, 10_000])('finds rate and delay of a link of %i Mbit/s', (rate) => {
    const found = measure({ rate: mbit(rate), roundTrip: 3e-4 });
    expect(found.bytesPerSecond / mbit(rate)).toBeCloseTo(1, 6);
    expect(found.delaySeconds).toBeCloseTo(1.5e-4, 9);
  });

  it.each([10, 20, 50, 100, 300, 1000])('is not deceived by a burst that a link of %i Mbit/s lets pass', (rate) => {
    const found = measure({ rate: mbit(rate), roundTrip: 3e-4, burst: usualBurst(mbit(rate)) });
    // What flows in between refills the bucket a little.
    expect(found.bytesPerSecond / mbit(rate)).toBeGreaterThan(0.99);
    expect(found.bytesPerSecond / mbit(rate)).toBeLessThan(1.05);
  });

  it.each([
    [20, 0],
    [20, 65_536],
    [100, 0],
    [100, 65_536],
    [1000, 500_000],
    [10_000, 0],
  ])('costs a start no more than 100 ms and 4 MiB: %i Mbit/s, a burst of %i bytes', (rate, burst) => {
    const { seconds, bytes } = measure({ rate: mbit(rate), roundTrip: 3e-4, burst });
    expect(seconds).toBeLessThan(0.1);
    expect(bytes).toBeLessThanOrEqual(4 << 20);
  });

  it('asks a link of 1 Mbit/s once for 16 KiB', () => {
    const { rounds } = measure({ rate: mbit(1), roundTrip: 3e-4 });
    expect(rounds.map(({ bytes }) => bytes)).toEqual([0, 0, 0, 0, 0, 1 << 14]);
  });

  it('doubles until a round is long, and asks for as much twice more', () => {
    const { rounds } = measure({ rate: mbit(100), roundTrip: 3e-4 });
    // 128 KiB take 10.5 ms.
    const kibibytes = rounds.flatMap(({ bytes }) => (bytes > 0 ? [bytes / 1024] : []));
    expect(kibibytes).toEqual([16, 32, 64, 128, 128, 128]);
  });

  it('takes the faster of the last two: one round may have waited for a processor', () => {
    for (const odd of [10, 11]) {
      // Of 100 Mbit/s: five round trips, then rounds of 16 to 128 KiB, then two more of 128.
      const late = (round: number) => (round === odd ? 0.02 : 0);
      const found = measure({ rate: mbit(100), roundTrip: 3e-4, late });
      expect(found.bytesPerSecond / mbit(100)).toBeGreaterThan(0.99);
    }
  });

  it('goes on growing where a short round was long for once', () => {
    // The round of 16 KiB, within the burst.
    const late = (round: number) => (round === 5 ? 0.03 : 0);
    const found = measure({ rate: mbit(100), roundTrip: 3e-4, burst: 65_536, late });
    expect(found.bytesPerSecond / mbit(100)).toBeLessThan(1.1);
  });

  it('takes longer rounds where round trips differ: their differences are in each', () => {
    const late = (round: number) => (round === 2 || round > 5 ? 5e-3 : 0);
    const { rounds, bytesPerSecond } = measure({ rate: mbit(100), roundTrip: 3e-4, late });
    expect(rounds.at(-1)?.bytes).toBeGreaterThan(128 << 10);
    expect(bytesPerSecond / mbit(100)).toBeGreaterThan(0.8);
  });

  it('tells the delay by the shortest round trip', () => {
    const late = (round: number) => (round === 3 ? 0 : 4e-3);
    expect(measure({ rate: mbit(100), roundTrip: 1e-3, late }).delaySeconds).toBeCloseTo(5e-4, 9);
  });

  it('makes few round trips over a long way, and ends', () => {
    const { rounds, seconds, delaySeconds } = measure({ rate: mbit(50), roundTrip: 0.25 });
    expect(rounds.filter(({ bytes }) => bytes === 0)).toHaveLength(1);
    expect(seconds).toBeLessThanOrEqual(0.76);
    expect(delaySeconds).toBeCloseTo(0.125, 9);
  });

  it('says nothing that is not finite where floats come no later than nothing did', () => {
    const { bytesPerSecond } = measure({ rate: Number.POSITIVE_INFINITY, roundTrip: 3e-4 });
    expect(bytesPerSecond).toBeGreaterThan(1e9);
    expect(bytesPerSecond).toBeLessThanOrEqual(1e12);
  });
});
