import { describe, expect, it } from 'vitest';
import { gradientsByMicroShards } from '../../../src/worker/share-gradients.ts';

/** Each sample's gradient is [its index, 1]. `reports` are the intervals that the engine says are final early. */
function engineThat(reports: readonly (readonly [number, number])[]) {
  const batches: string[] = [];
  const engine = {
    parameterCount: 2,
    async computeGradients(
      indices: Uint32Array,
      gradients: Float32Array,
      onReady?: (from: number, to: number) => void,
    ) {
      batches.push(indices.join());
      gradients.fill(0);
      for (const index of indices) {
        gradients[0] = (gradients[0] ?? 0) + index;
        gradients[1] = (gradients[1] ?? 0) + 1;
      }
      for (const [from, to] of reports) onReady?.(from, to);
      return { lossSum: indices.length / 2, correct: 1 };
    },
  };
  return { engine, batches };
}

const indices = Uint32Array.from({ length: 6 }, (_, place) => place + 1);
/** Leaves 1 to 3 of four of two samples: one node of one leaf, then one of two. */
const share = { from: 2, to: 8, globalBatch: 8, offset: 2 };

describe('the gradients of micro-shards', () => {
  it.each([
    [
      'all',
      [
        [1, 2],
        [0, 1],
      ],
    ],
    ['some', [[1, 2]]],
    ['none', []],
  ] as const)(
    'are summed by the nodes of the share, each float final once; %s reported by the engine',
    async (_, reports) => {
      const { engine, batches } = engineThat(reports);
      const gradients = gradientsByMicroShards(engine, 2);
      const vectors = gradients.vectorsOf(share);
      const final: Record<string, readonly number[]> = {};
      const result = await gradients.compute(share, indices, (from, to, part) => {
        for (let i = from; i < to; i++)
          final[`${part}/${i}`] = [...(final[`${part}/${i}`] ?? []), vectors[part]?.[i] ?? 0];
      });
      expect(batches).toEqual(['1,2', '3,4', '5,6']);
      expect(vectors.map((vector) => [...vector])).toEqual([
        [3, 2],
        [18, 4],
      ]);
      expect(final).toEqual({ '0/0': [3], '0/1': [2], '1/0': [18], '1/1': [4] });
      expect(result).toEqual({ lossSum: 3, correct: 3 });
    },
  );

  it('are none of an empty share', async () => {
    const { engine, batches } = engineThat([]);
    const gradients = gradientsByMicroShards(engine, 2);
    const empty = { from: 8, to: 8, globalBatch: 8, offset: 8 };
    expect(gradients.vectorsOf(empty)).toEqual([]);
    expect(await gradients.compute(empty, new Uint32Array(0), () => {})).toEqual({ lossSum: 0, correct: 0 });
    expect(batches).toEqual([]);
  });

  it('cannot be computed where nobody says where the share is', () => {
    const { engine } = engineThat([]);
    expect(() => gradientsByMicroShards(engine, 2).vectorsOf({ from: 0, to: 2, globalBatch: 8 })).toThrow(
      'did not say where in the batch the share is',
    );
  });
});
