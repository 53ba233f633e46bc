/**
 * Samples of a micro-shard: the largest number whose activations fit a core's own cache, so that the wasm engine computes
 * it in one pass.
 */
export const microShardSamples = 8;

/** Samples of a micro-shard, which shares consist of; undefined where shares are of any length. */
export function microShardOf({ deterministic }: { readonly deterministic?: boolean | undefined }): number | undefined {
  return deterministic === true ? microShardSamples : undefined;
}
