import { describe, expect, it } from 'vitest';
import { chooseByModel, isOpenOverNetwork } from '../../../../src/coordinator/generation/modelled-choice.ts';
import { linkOf } from '../../../../src/shared/collectives/cost-model.ts';

/** Floats of so many buckets of a mebibyte. */
const bucketsOf = (count: number) => Array<number>(count).fill(1 << 18);
const short = [100];

/** Ranks that all measured the same. */
const equal = (worldSize: number, bitsPerSecond: number, delaySeconds = 1e-4) =>
  Array(worldSize).fill(linkOf(bitsPerSecond, delaySeconds));

const choose = (links: Parameters<typeof chooseByModel>[0]['links'], buckets = bucketsOf(40), areCompressed = false) =>
  chooseByModel({ worldSize: Math.max(2, links.length), buckets, areCompressed, links });

describe('the all-reduce that is chosen by a model', () => {
  it.each([2, 3, 8])('takes one stage in memory, whatever the gradient: %i workers', (worldSize) => {
    for (const count of [1, 40])
      expect(chooseByModel({ worldSize, buckets: bucketsOf(count), areCompressed: false, links: [] })).toEqual({
        allReduce: 'mesh',
        reason: undefined,
        link: undefined,
      });
  });

  // One stage sends N − 1 gradients through a link, two send 2 (N − 1) / N: as many with two workers, half with four. So does a
  // ring, but for its delays, and a worker of it sends to one other only.
  it.each([
    [20e6, 2, 'mesh'],
    [20e6, 3, 'ring'],
    [20e6, 8, 'ring'],
    [170e6, 4, 'ring'],
    [201e6, 4, 'mesh-two-shot'],
    [1e9, 2, 'mesh'],
    [1e9, 4, 'mesh-two-shot'],
    [1e9, 8, 'mesh-two-shot'],
  ] as const)('takes two stages where they carry less: %f bit/s, %i workers, %s', (rate, worldSize, chosen) => {
    expect(choose(equal(worldSize, rate)).allReduce).toBe(chosen);
  });

  // 93,322 floats take 3.2 ms through 1 Gbit/s. One stage takes three times as long and one delay, two take half as long and two.
  it.each([
    [1e-4, 'mesh-two-shot'],
    [1e-3, 'mesh-two-shot'],
    [1e-2, 'mesh'],
  ] as const)('takes one stage where the delay of another is longer than what two save: %f s', (delay, chosen) => {
    expect(choose(equal(4, 1e9, delay), [93_322]).allReduce).toBe(chosen);
  });

  // A ring of eight has twelve delays more than two stages, and saves 0.18 of 53 ms.
  it.each([
    [1e-4, 'ring'],
    [1e-3, 'mesh-two-shot'],
  ] as const)('takes two stages where the delays of a ring are longer than what it saves: %f s', (delay, chosen) => {
    expect(choose(equal(8, 100e6, delay), [93_322]).allReduce).toBe(chosen);
  });

  it('takes one stage for a gradient that is there sooner than a message', () => {
    expect(choose(equal(4, 1e9), short).allReduce).toBe('mesh');
  });

  it('goes by the bytes that travel, which compression makes fewer', () => {
    const links = equal(4, 100e6, 3e-3);
    expect(choose(links, [93_322]).allReduce).toBe('mesh-two-shot');
    expect(choose(links, [93_322 / 50]).allReduce).toBe('mesh');
  });

  it('takes what can compress where gradients are compressed, and compares nothing', () => {
    expect([isOpenOverNetwork(false), isOpenOverNetwork(true)]).toEqual([true, false]);
    expect(choose(equal(8, 20e6), bucketsOf(40), true)).toEqual({
      allReduce: 'mesh',
      reason: undefined,
      link: undefined,
    });
  });

  it('goes by the slowest rate and the longest delay of all, whoever measured them', () => {
    const links = [linkOf(1e9, 1e-4), linkOf(20e6, 2e-4), linkOf(1e9, 5e-3)];
    const { link } = choose(links);
    expect(link?.bitsPerSecond).toBeCloseTo(20e6, 0);
    // Without what the processors at both ends of a message took.
    expect(link?.delaySeconds).toBeCloseTo(5e-3 - 2 * 1.2e-5, 9);
    expect(link?.basis).toBe('measured');
  });

  it('says what it takes and what the next best would, and by which links', () => {
    // 3 × 41.9 MB through 117.7 MB/s are 1,069 ms, and 2 × 3/4 × 41.9 MB are 534 ms.
    const { reason } = choose(equal(4, 1e9, 3.24e-4));
    expect(reason).toMatch(
      /^modelled 53\d ms a step against 107\d ms with mesh, over links of 1 Gbit\/s and 0\.3 ms, measured$/,
    );
    expect(choose(equal(4, 1e9), short).reason).toMatch(/^modelled 0\.\d+ ms .* ms with mesh-two-shot, over/);
    // 5,345 ms through 100 Mbit/s, and 6,518 where 18 % of that are lost; two stages would take less than the mesh as well.
    expect(choose(equal(4, 100e6)).reason).toMatch(/^modelled 53\d\d ms .* against 65\d\d ms with mesh-two-shot, over/);
  });

  it.each([
    [94.4e6, '94 Mbit/s'],
    [2.5e9, '2.5 Gbit/s'],
    [6e9, 'at least 6 Gbit/s'],
  ])('says where processors may have been slower than a link: %f bit/s', (rate, text) => {
    expect(choose(equal(3, rate)).reason).toContain(`over links of ${text} and`);
  });

  it('assumes usual links where one was not measured, and says so', () => {
    const { reason, link } = choose([linkOf(20e6, 5e-3), undefined, linkOf(20e6, 5e-3)]);
    expect(reason).toMatch(/, over links of 1 Gbit\/s and 0\.1 ms, assumed$/);
    expect(link).toEqual({ bitsPerSecond: 1e9, delaySeconds: 1e-4, basis: 'assumed' });
  });

  it.each([[{ delaySeconds: 60, bytesPerSecond: 1 }], [{ delaySeconds: 0, bytesPerSecond: 1e12 }]])(
    'comes to something whatever a worker says: %j',
    (odd) => {
      const { allReduce, reason } = choose([...equal(3, 1e9), odd]);
      expect(['mesh', 'mesh-two-shot', 'ring']).toContain(allReduce);
      expect(reason).not.toMatch(/NaN|Infinity/);
    },
  );
});
