/** Hands buckets over as soon as they are final, each once. */
import type { Interval } from '../core/sampling.ts';

export interface BucketProgress {
  /** `vectors[part][from .. to − 1]` are final; no float twice. */
  ready(from: number, to: number, part: number): void;
  /** Everything is: hands over what is left. */
  rest(): void;
}

/** @param vectors how many vectors are cut into these buckets */
export function followBuckets(
  buckets: readonly Interval[],
  vectors: number,
  handOver: (part: number, bucket: number) => void,
): BucketProgress {
  /** By vector: floats of each bucket that are not final yet. */
  const unfinished = Array.from({ length: vectors }, () => buckets.map(({ from, to }) => to - from));
  return {
    ready(from, to, part) {
      const floats = unfinished[part] as number[];
      buckets.forEach((bucket, index) => {
        const overlap = Math.min(to, bucket.to) - Math.max(from, bucket.from);
        if (overlap <= 0) return;
        floats[index] = (floats[index] as number) - overlap;
        if (floats[index] === 0) handOver(part, index);
      });
    },
    rest() {
      unfinished.forEach((floats, part) => {
        floats.forEach((left, index) => {
          if (left > 0) handOver(part, index);
        });
      });
    },
  };
}
