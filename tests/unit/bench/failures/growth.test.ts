import { describe, expect, it } from 'vitest';
import { findGrowth } from '../../../../src/bench/failures/growth.ts';

const figure = (amount: number, share: number) => [{ name: 'handles', allowed: { amount, share } }];
const samples = (...values: readonly number[]) => values.map((handles) => ({ handles }));

describe('what a run uses', () => {
  it('stays, whatever single samples say', () => {
    const [growth] = findGrowth(figure(0, 0), samples(20, 20, 90, 35, 35, 35, 20, 80, 20));
    expect(growth).toEqual({ name: 'handles', first: 20, last: 20, limit: 20, grows: false });
  });

  it('grows where the median of the last third is above what is allowed, whatever is between', () => {
    const grown = samples(20, 21, 22, 1, 1, 1, 23, 24, 25);
    expect(findGrowth(figure(2, 0), grown)).toMatchObject([{ first: 21, last: 24, limit: 23, grows: true }]);
    expect(findGrowth(figure(3, 0), grown)).toMatchObject([{ limit: 24, grows: false }]);
  });

  it('may grow by an amount or by a share, whichever is more', () => {
    const grown = samples(100, 0, 120);
    expect(findGrowth(figure(5, 0.2), grown)).toMatchObject([{ limit: 120, grows: false }]);
    expect(findGrowth(figure(5, 0.1), grown)).toMatchObject([{ limit: 110, grows: true }]);
    expect(findGrowth(figure(20, 0.1), grown)).toMatchObject([{ limit: 120, grows: false }]);
  });

  it('grows where it is not known', () => {
    expect(findGrowth(figure(5, 0.2), [{ handles: 1 }, {}, {}])).toMatchObject([{ grows: true }]);
  });
});
