import type { Interval } from '../core/sampling.ts';

/** The intervals in which a vector of `length` floats travels, each at most `chunkLength` long. */
export function chunksOf(length: number, chunkLength: number): readonly Interval[] {
  return Array.from({ length: Math.ceil(length / chunkLength) }, (_, chunk) => ({
    from: chunk * chunkLength,
    to: Math.min((chunk + 1) * chunkLength, length),
  }));
}
