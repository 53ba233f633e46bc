import { describe, expect, it } from 'vitest';
import { chooseByModel } from '../../../../src/coordinator/generation/modelled-choice.ts';

/** So many buckets of a mebibyte. */
const bucketsOf = (count: number) =>
  Array.from({ length: count }, (_, bucket) => ({ from: bucket << 18, to: (bucket + 1) << 18 }));

describe('the all-reduce that is chosen by a model', () => {
  it.each([2, 3, 8])('takes one stage in memory, whatever the gradient: %i workers', (worldSize) => {
    for (const count of [1, 40])
      expect(chooseByModel(worldSize, bucketsOf(count), 0)).toEqual({ allReduce: 'mesh', reason: undefined });
  });

  it('takes two stages over a network where they carry less: from three workers on', () => {
    const chosen = [2, 3, 4, 8].map((worldSize) => chooseByModel(worldSize, bucketsOf(40), 1).allReduce);
    expect(chosen).toEqual(['mesh', 'mesh-two-shot', 'mesh-two-shot', 'mesh-two-shot']);
  });

  it('takes one stage over a network for a gradient that is there sooner than a message', () => {
    expect(chooseByModel(4, [{ from: 0, to: 100 }], 12).allReduce).toBe('mesh');
  });

  it('says what either takes', () => {
    // 3 × 41.9 MB through 117.7 MB/s are 1,069 ms, and 2 × 3/4 × 41.9 MB are 534 ms.
    const { reason } = chooseByModel(4, bucketsOf(40), 12);
    expect(reason).toMatch(/^modelled 53\d ms a step against 107\d ms with mesh, over links of 1 Gbit\/s$/);
    expect(chooseByModel(4, [{ from: 0, to: 100 }], 12).reason).toMatch(
      /^modelled 0\.\d+ ms .* ms with mesh-two-shot, over/,
    );
  });
});
