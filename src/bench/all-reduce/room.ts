/** Whether there is memory for all ranks of all algorithms, which are there at the same time. Pure. */

export type Room = { readonly kind: 'enough' } | { readonly kind: 'lacking'; readonly reason: string };

/**
 * What one rank of each algorithm, with its part of the hub, was seen to take: in vectors, with two ranks and vectors of 40 MB,
 * and besides, in bytes.
 */
const vectorsOfRank = 20;
const bytesOfRank = 550e6;

/** @param availableBytes of memory */
export function decideRoom(world: number, floats: number, availableBytes: number): Room {
  const bytes = world * (vectorsOfRank * floats * Float32Array.BYTES_PER_ELEMENT + bytesOfRank);
  if (bytes <= availableBytes) return { kind: 'enough' };
  const reason =
    `--world ${world} with --floats ${floats} needs ${inGigabytes(bytes)} of memory, and ` +
    `${inGigabytes(availableBytes)} are free; choose fewer of one of them`;
  return { kind: 'lacking', reason };
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
