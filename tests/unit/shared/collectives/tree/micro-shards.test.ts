import { expect, it } from 'vitest';
import { microShardOf } from '../../../../../src/shared/collectives/tree/micro-shards.ts';

it('are of a size that follows from the batch alone, and only deterministic runs have them', () => {
  const sizes = [1, 32, 63, 64, 65, 1024].map((batchSize) => microShardOf({ deterministic: true, batchSize }));
  expect(sizes).toEqual([8, 8, 8, 16, 16, 16]);
  expect(microShardOf({ deterministic: undefined, batchSize: 64 })).toBeUndefined();
  expect(microShardOf({ deterministic: false, batchSize: 64 })).toBeUndefined();
});
