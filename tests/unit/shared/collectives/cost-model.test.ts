import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allReduceSeconds,
  bitsPerSecondOf,
  type Exchange,
  lengthsOf,
  linkOf,
  modelledAlgorithms,
  rankAllReduces,
  slowestOf,
} from '../../../../src/shared/collectives/cost-model.ts';
import { drawnExchange, noProcessor } from '../../../support/drawn-exchanges.ts';

/** α = 1 ms, a byte in 1 ns: 4 MB take 4 ms. */
const link = { delaySeconds: 1e-3, bytesPerSecond: 1e9 };
const four: Exchange = { worldSize: 4, buckets: [1e6], link, processor: noProcessor };

describe('allReduceSeconds', () => {
  test.each([
    // 2 α + 2 N n β: the hub takes in 16 MB, and then sends 16 MB.
    ['star', 2e-3 + 32e-3],
    // α + (N − 1) n β
    ['mesh', 1e-3 + 12e-3],
    // 2 α + 2 (N − 1) / N n β
    ['mesh-two-shot', 2e-3 + 6e-3],
    // 2 (N − 1) α + 2 (N − 1) / N n β
    ['ring', 6e-3 + 6e-3],
  ] as const)('%s of one bucket, by the formula of Thakur and others', (algorithm, seconds) => {
    expect(allReduceSeconds(algorithm, four)).toBeCloseTo(seconds, 12);
  });

  test.each([
    // The hub sends the last of four sums when it has all gradients.
    ['star', 2e-3 + 20e-3],
    ['mesh', 1e-3 + 12e-3],
    // Sums leave behind the parts of later buckets, so nobody waits for the second delay.
    ['mesh-two-shot', 1e-3 + 6e-3],
    // Four parts go around one behind the other.
    ['ring', 6e-3 + 6 * 0.25e-3 + 3 * 0.25e-3],
  ] as const)('%s of four buckets', (algorithm, seconds) => {
    const buckets = [0.25e6, 0.25e6, 0.25e6, 0.25e6];
    expect(allReduceSeconds(algorithm, { ...four, buckets })).toBeCloseTo(seconds, 12);
  });

  test.each([
    // The hub takes in and sends 4 messages of 4 MB each and adds 3 million floats; a rank sends and receives one.
    ['star', 4 * (2 * 5e-3) + 3 * 2e-3 + 2 * 5e-3],
    // A rank sends and receives 3 messages of 4 MB, and adds 3 million floats.
    ['mesh', 3 * (2 * 5e-3 + 2e-3)],
    // 6 messages of 1 MB each way, and 3 quarters of a million floats: a message of 1 MB takes 2 ms.
    ['mesh-two-shot', 12 * 2e-3 + 3 * 0.5e-3],
    ['ring', 12 * 2e-3 + 3 * 0.5e-3],
  ] as const)('%s where only processors count: copying and adding', (algorithm, seconds) => {
    const endless = { delaySeconds: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
    const processor = { secondsPerMessage: 1e-3, secondsPerByte: 1e-9, secondsPerAddition: 2e-9 };
    const found = allReduceSeconds(algorithm, { worldSize: 4, buckets: [1e6], link: endless, processor });
    expect(found).toBeCloseTo(seconds, 12);
  });

  /** A message of 4 MB takes 1 ms at each end, and adding its floats takes 1 ms; of a part of 1 MB, adding takes a quarter. */
  const processor = { secondsPerMessage: 1e-3, secondsPerByte: 0, secondsPerAddition: 1e-9 };

  test.each([
    // The hub's link is taken for 32 ms; a gradient is sent and a sum received besides, and one of each taken and given.
    ['star', 1e-3, 2 * (1e-3 + 1e-3) + 32e-3 + 1.75e-3 + 1e-3],
    ['mesh', 1e-3, 1e-3 + 12e-3 + 2e-3 + 1e-3],
    ['mesh-two-shot', 1e-4, 2e-3 + 6e-3 + 0.4e-3 + 0.25e-3],
    // Six hops, each with both ends of a message, and three additions.
    ['ring', 1e-3, 6 * (1e-3 + 1e-3 + 2e-3) + 3 * 0.25e-3],
  ] as const)('%s where the link or the delay counts, with what is not hidden behind it', (algorithm, end, seconds) => {
    const exchange = { ...four, processor: { ...processor, secondsPerMessage: end } };
    expect(allReduceSeconds(algorithm, exchange)).toBeCloseTo(seconds, 12);
  });

  test('a processor waits for the first message, and then has all to take', () => {
    const far = { delaySeconds: 0.1, bytesPerSecond: 4e9 };
    const busy = { secondsPerMessage: 5e-3, secondsPerByte: 0, secondsPerAddition: 5e-9 };
    const mesh = allReduceSeconds('mesh', { worldSize: 4, buckets: [1e6], link: far, processor: busy });
    expect(mesh).toBeCloseTo(0.1 + 1e-3 + 5e-3 + 3 * 10e-3, 12);
  });

  test('a ring of many buckets is limited by its hops, its link or its processors', () => {
    const buckets = Array<number>(4).fill(1e6);
    const near = { ...link, delaySeconds: 0 };
    // 2 · 3 · 4 parts of 1 MB on each way out.
    expect(allReduceSeconds('ring', { ...four, buckets, link: near })).toBeCloseTo(24e-3, 12);
    // As many messages with two ends, and 3 · 4 additions.
    const endless = { delaySeconds: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
    const byProcessor = allReduceSeconds('ring', { ...four, buckets, link: endless, processor });
    expect(byProcessor).toBeCloseTo(48e-3 + 12 * 0.25e-3, 12);
    // One part goes around with a delay of 100 ms a hop, and three follow it in turn, 2.25 ms apart.
    const far = { delaySeconds: 0.1, bytesPerSecond: Number.POSITIVE_INFINITY };
    const byDelay = allReduceSeconds('ring', { ...four, buckets, link: far, processor });
    expect(byDelay).toBeCloseTo(6 * 0.102 + 3 * 0.25e-3 + 3 * 2.25e-3, 12);
  });

  test('one worker alone exchanges nothing', () => {
    for (const algorithm of modelledAlgorithms) {
      expect(allReduceSeconds(algorithm, { ...four, worldSize: 1 })).toBe(0);
    }
  });

  test('never takes less time on a slower link, with a slower processor, or with more workers in a star or mesh', () => {
    fc.assert(
      fc.property(drawnExchange, fc.constantFrom(...modelledAlgorithms), (exchange, algorithm) => {
        const seconds = allReduceSeconds(algorithm, exchange);
        const least = seconds * (1 - 1e-9);
        const { link, processor, worldSize } = exchange;
        const slower = { ...link, bytesPerSecond: link.bytesPerSecond / 2 };
        const further = { ...link, delaySeconds: link.delaySeconds + 1e-3 };
        const busier = { ...processor, secondsPerByte: processor.secondsPerByte + 1e-10 };
        expect(allReduceSeconds(algorithm, { ...exchange, link: slower })).toBeGreaterThan(least);
        expect(allReduceSeconds(algorithm, { ...exchange, link: further })).toBeGreaterThan(least);
        expect(allReduceSeconds(algorithm, { ...exchange, processor: busier })).toBeGreaterThan(least);
        if (algorithm !== 'star' && algorithm !== 'mesh') return;
        expect(allReduceSeconds(algorithm, { ...exchange, worldSize: worldSize + 1 })).toBeGreaterThan(least);
      }),
    );
  });
});

describe('rankAllReduces', () => {
  const named = (exchange: Exchange) => rankAllReduces(modelledAlgorithms, exchange).map(({ algorithm }) => algorithm);

  test('the shortest comes first, with its seconds', () => {
    expect(rankAllReduces(modelledAlgorithms, four)).toEqual(
      ['mesh-two-shot', 'ring', 'mesh', 'star'].map((algorithm) => ({
        algorithm,
        seconds: allReduceSeconds(algorithm as 'star', four),
      })),
    );
  });

  test('a gradient that is short for its link goes to all at once, and a long one in parts', () => {
    // 4 kB take 4 µs, so only the two delays of the others count.
    expect(named({ ...four, buckets: [1e3] })[0]).toBe('mesh');
    expect(named({ ...four, buckets: [1e7] })[0]).toBe('mesh-two-shot');
  });

  test('of equals the first that was named comes first, and only those that were named', () => {
    const two = { ...four, link: { ...link, delaySeconds: 0 }, worldSize: 2 };
    expect(rankAllReduces(['ring', 'mesh-two-shot'], two).map(({ algorithm }) => algorithm)).toEqual([
      'ring',
      'mesh-two-shot',
    ]);
    expect(rankAllReduces(['mesh-two-shot', 'ring'], two)[0]?.algorithm).toBe('mesh-two-shot');
  });
});

test('a link carries 1,448 bytes of payload in 1,538', () => {
  // 1538 bytes × 8 bits at 12,304 bit/s take a second.
  expect(linkOf(12_304, 0.25)).toEqual({ delaySeconds: 0.25, bytesPerSecond: 1448 });
  expect(bitsPerSecondOf({ delaySeconds: 0.25, bytesPerSecond: 1448 })).toBe(12_304);
});

test('all wait for the longest delay and the lowest rate, which may be of different links', () => {
  const near = { delaySeconds: 1e-4, bytesPerSecond: 1e7 };
  const far = { delaySeconds: 2e-2, bytesPerSecond: 1e9 };
  expect(slowestOf([near, far])).toEqual({ delaySeconds: 2e-2, bytesPerSecond: 1e7 });
  expect(() => slowestOf([])).toThrow('no links');
});

test('buckets are handed over from the end', () => {
  expect(
    lengthsOf([
      { from: 0, to: 10 },
      { from: 10, to: 13 },
    ]),
  ).toEqual([3, 10]);
});
