/**
 * Samples of a micro-shard of a large batch, and of a small one. Each micro-shard costs what a batch costs once (its sums are
 * cleared, unpacked and added): the larger they are, the less a deterministic run is slowed down, and the coarser are its
 * shares. Four workers have work from a batch of 25 on.
 */
const [large, small] = [16, 8];
/** The smallest batch with large ones: four workers get one each. */
const largeFrom = 4 * large;

/** Samples of a micro-shard, which shares consist of; undefined where shares are of any length. */
export function microShardOf({
  deterministic,
  batchSize,
}: {
  readonly deterministic?: boolean | undefined;
  readonly batchSize: number;
}): number | undefined {
  if (deterministic !== true) return undefined;
  return batchSize < largeFrom ? small : large;
}
