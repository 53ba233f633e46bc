/** The tree's hub, whose ranks the test plays. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTreeHub } from '../../../../../src/shared/collectives/tree/tree-hub.ts';
import { rounds } from '../../../../support/thoroughness.ts';

const attempt = { generation: 1, step: 0, attempt: 0 };
const microShard = 8;
const buckets = [{ from: 0, to: 2 }];

/** The sum that the tree stands for: split at the largest power of two below the number of vectors, rounded at each sum. */
function sumByHalves(vectors: readonly (readonly number[])[]): readonly number[] {
  const [only = []] = vectors;
  if (vectors.length === 1) return only;
  const middle = 2 ** (Math.ceil(Math.log2(vectors.length)) - 1);
  const [left, right] = [sumByHalves(vectors.slice(0, middle)), sumByHalves(vectors.slice(middle))];
  return left.map((value, i) => Math.fround(value + (right[i] ?? 0)));
}

/** What each rank hands over: hand-made covers by aligned runs, apart from the code under test. */
function coverOf(from: number, to: number, leaves: number): readonly (readonly [number, number])[] {
  if (from >= to) return [];
  let size = 1;
  while (size < leaves && from % (2 * size) === 0 && Math.min(from + 2 * size, leaves) <= to) size *= 2;
  const end = Math.min(from + size, leaves);
  return [[from, end], ...coverOf(end, to, leaves)];
}

/** Floats like gradients, and floats of which some are far larger than the others. */
const leaf = fc.array(
  fc.oneof(
    fc.float({ min: Math.fround(-0.1), max: Math.fround(0.1), noNaN: true }),
    fc.float({ min: Math.fround(-1e30), max: Math.fround(1e30), noNaN: true }),
  ),
  { minLength: 2, maxLength: 2 },
);

const cases = fc
  .record({ leaves: fc.array(leaf, { minLength: 1, maxLength: 40 }), last: fc.integer({ min: 1, max: microShard }) })
  .chain(({ leaves, last }) =>
    fc.record({
      leaves: fc.constant(leaves),
      samples: fc.constant((leaves.length - 1) * microShard + last),
      cuts: fc.array(fc.nat(leaves.length), { maxLength: 4 }).map((cuts) => cuts.toSorted((a, b) => a - b)),
      order: fc.infiniteStream(fc.nat(1000)),
    }),
  );

describe('the hub of the tree', () => {
  it('comes to the same bits for any cut into shares and any order of arrival', () => {
    fc.assert(
      fc.property(cases, ({ leaves, samples, cuts, order }) => {
        const edges = [0, ...cuts, leaves.length];
        const runs = edges.slice(1).map((to, rank) => ({ from: edges[rank] ?? 0, to }));
        const hub = createTreeHub({ worldSize: runs.length, buckets, microShard });
        const sample = (leaf: number) => Math.min(leaf * microShard, samples);
        hub.expect(
          attempt,
          runs.map(({ from, to }) => ({ from: sample(from), to: sample(to) })),
        );
        const parts = runs.flatMap(({ from, to }, rank) =>
          coverOf(from, to, leaves.length).map(([first, end], part) => ({
            rank,
            part,
            values: sumByHalves(leaves.slice(first, end)),
            turn: order.next().value ?? 0,
          })),
        );
        const outcomes = parts
          .toSorted((a, b) => a.turn - b.turn)
          .map(({ rank, part, values }) =>
            hub.receive(rank, { type: 'contribute', ...attempt, bucket: 0, part }, [Float32Array.from(values)], 0),
          );
        expect(outcomes.slice(0, -1).every(({ kind }) => kind === 'pending')).toBe(true);
        const last = outcomes.at(-1);
        const replies = last?.kind === 'reply' ? last.replies : [];
        expect(replies.map(({ rank }) => rank)).toEqual([...runs.keys()]);
        for (const { tensors } of replies) expect(tensors[0]).toEqual(Float32Array.from(sumByHalves(leaves)));
        for (const rank of runs.keys()) expect(hub.missing(rank, attempt)).toBe(0);
      }),
      { numRuns: rounds(100, 1000) },
    );
  });

  /** Two ranks of 24 samples each: rank 0 has the leaves 0 to 2, so two nodes; rank 1 the leaves 3 to 5, two as well. */
  function openHub({ takesNonFinite = false } = {}) {
    const hub = createTreeHub({ worldSize: 2, buckets, takesNonFinite, microShard });
    hub.expect(attempt, [
      { from: 0, to: 24 },
      { from: 24, to: 48 },
    ]);
    const give = (rank: number, part: number | undefined, values = [1, 2], bucket = 0, now = 0) =>
      hub.receive(rank, { type: 'contribute', ...attempt, bucket, part }, [Float32Array.from(values)], now);
    return { ...hub, give };
  }

  it.each([
    ['a part that is not in its share', 2, [1, 2], 0, 'part must be below 2, got 2'],
    ['no part', undefined, [1, 2], 0, 'part must be below 2, got none'],
    ['a bucket that there is not', 1, [1, 2], 1, 'bucket must be below 1, got 1'],
    ['too few floats', 1, [1], 0, 'bucket 0 must have 2 floats, got 1'],
    ['a part for the second time', 0, [1, 2], 0, 'bucket 0 of part 0 came twice'],
  ])('refuses %s, and goes on as if it had not come', (_, part, values, bucket, reason) => {
    const { give, missing } = openHub();
    give(0, 0, [1, 10]);
    expect(give(0, part, values, bucket)).toEqual({ kind: 'refused', reason });
    expect(missing(0, attempt)).toBe(1);
    give(0, 1, [2, 20]);
    give(1, 0, [3, 30]);
    expect(give(1, 1, [4, 40])).toMatchObject({
      kind: 'reply',
      replies: [{ tensors: [Float32Array.of(10, 100)] }, { tensors: [Float32Array.of(10, 100)] }],
    });
  });

  it('names a float that is no number, or so large that the sum could be infinite', () => {
    const { give } = openHub();
    expect(give(0, 0, [1, Number.NaN])).toEqual({ kind: 'diverged', value: Number.NaN, float: 1 });
    expect(give(0, 0, [2 ** 126 * 1.01, 0])).toMatchObject({ kind: 'diverged', float: 0 });
    expect(give(0, 0, [2 ** 125, 0])).toEqual({ kind: 'pending' });
  });

  it('takes what is not finite where nobody will apply it, and tells whose it is', () => {
    const { give } = openHub({ takesNonFinite: true });
    const nonFinite = { float: 1, value: Number.NaN };
    expect(give(0, 0, [1, Number.NaN])).toEqual({ kind: 'pending', nonFinite });
    expect(give(0, 1, [2, 2])).toEqual({ kind: 'pending' });
    expect(give(1, 0, [3, 3])).toEqual({ kind: 'pending' });
    const value = Number.NEGATIVE_INFINITY;
    expect(give(1, 1, [value, 4])).toMatchObject({
      kind: 'reply',
      nonFinite: { float: 0, value },
      replies: [{ tensors: [Float32Array.of(value, Number.NaN)] }, {}],
    });
  });

  it('tells each rank how long its last part waited', () => {
    const { give } = openHub();
    give(0, 0, [1, 1], 0, 10);
    give(0, 1, [1, 1], 0, 11);
    give(1, 0, [1, 1], 0, 12);
    const outcome = give(1, 1, [1, 1], 0, 15);
    expect(outcome.kind === 'reply' && outcome.replies.map(({ body }) => body.waited)).toEqual([4, 0]);
  });

  it('keeps buckets and attempts apart, and says how much of each rank has not come', () => {
    const hub = createTreeHub({ worldSize: 2, buckets: [...buckets, { from: 2, to: 3 }], microShard });
    const later = { ...attempt, attempt: 1 };
    // Rank 0 has two nodes, rank 1 has one.
    const shares = [
      { from: 0, to: 24 },
      { from: 24, to: 32 },
    ];
    for (const one of [attempt, later]) hub.expect(one, shares);
    const give = (one: typeof attempt, rank: number, part: number, bucket: number, values: readonly number[]) =>
      hub.receive(rank, { type: 'contribute', ...one, bucket, part }, [Float32Array.from(values)], 0);
    const missing = () => [attempt, later].map((one) => [0, 1].map((rank) => hub.missing(rank, one)));
    expect(missing()).toEqual([
      [4, 2],
      [4, 2],
    ]);
    give(attempt, 0, 0, 0, [1, 10]);
    give(attempt, 0, 0, 1, [5]);
    give(attempt, 0, 1, 1, [6]);
    give(later, 1, 0, 0, [100, 100]);
    expect(missing()).toEqual([
      [1, 2],
      [4, 1],
    ]);
    expect(give(attempt, 1, 0, 1, [7])).toMatchObject({
      kind: 'reply',
      replies: [{ tensors: [Float32Array.of(18)] }, {}],
    });
    expect(give(attempt, 0, 0, 1, [5])).toMatchObject({ kind: 'refused', reason: 'bucket 1 of part 0 came twice' });
    give(attempt, 0, 1, 0, [2, 20]);
    expect(give(attempt, 1, 0, 0, [3, 30])).toMatchObject({
      kind: 'reply',
      replies: [{ tensors: [Float32Array.of(6, 60)] }, {}],
    });
    expect(missing()).toEqual([
      [0, 0],
      [4, 1],
    ]);
  });

  it('cannot do without the size of a micro-shard', () => {
    expect(() => createTreeHub({ worldSize: 2, buckets })).toThrow('createTreeHub: needs the size of a micro-shard');
  });

  it('knows nothing of an attempt that is over', () => {
    const { give, forget, missing } = openHub();
    give(0, 0);
    forget(attempt);
    expect(missing(0, attempt)).toBe(0);
    expect(give(0, 0)).toEqual({ kind: 'refused', reason: 'part must be below 0, got 0' });
  });
});
