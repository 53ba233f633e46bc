/**
 * The largest floats of a bucket, as they are, and where they are; all others are kept back. (Aji and Heafield, "Sparse
 * Communication for Distributed Gradient Descent", EMNLP 2017.) The words: the places in ascending order, then the floats.
 *
 * How many there are follows from the length, so that everybody knows how long the words are. Of equal magnitudes the first
 * are taken. NaN is larger than infinity here, so that whatever is not finite is sent.
 */
import { type Codec, wordsOf, wrongLength } from './codec.ts';

/** The bits of a magnitude, 31, are looked at in parts, the upper ones first. */
const upperShift = 20;
const middleShift = 10;
const [upperBins, lowerBins] = [1 << (31 - upperShift), 1 << middleShift];

/** @param percent of the floats of a bucket that are sent, rounded up: above 0 and below 50 */
export function topk(percent: number): Codec {
  const keptOf = (floats: number) => Math.ceil((floats * percent) / 100);
  const wordsFor = (floats: number) => 2 * keptOf(floats);
  return {
    wordsFor,
    encode(values, words, rest) {
      const kept = keptOf(values.length);
      const out = wordsOf(words);
      const bits = wordsOf(values);
      const { threshold, equal } = findThreshold(bits, kept);
      rest.set(values);
      let equalLeft = equal;
      for (let i = 0, place = 0; place < kept; i++) {
        const magnitude = (bits[i] as number) & 0x7fff_ffff;
        if (magnitude < threshold || (magnitude === threshold && equalLeft-- <= 0)) continue;
        out[place] = i;
        out[kept + place] = bits[i] as number;
        rest[i] = 0;
        place += 1;
      }
    },
    decode(words, target) {
      const kept = keptOf(target.length);
      const problem = wrongLength(words, 2 * kept);
      if (problem !== undefined) return problem;
      const from = wordsOf(words);
      // All places are looked at before the first is written.
      for (let place = 0, least = 0; place < kept; place++) {
        const index = from[place] as number;
        if (index < least || index >= target.length)
          return `place ${place} must be from ${least} to ${target.length - 1}, got ${index}`;
        least = index + 1;
      }
      target.fill(0);
      const bits = wordsOf(target);
      for (let place = 0; place < kept; place++) bits[from[place] as number] = from[kept + place] as number;
      return undefined;
    },
  };
}

/**
 * The magnitude of the smallest float that is kept, and how many of that magnitude are: found by counting, in three passes.
 * @param bits of the floats @param kept above 0
 */
function findThreshold(bits: Uint32Array, kept: number): { readonly threshold: number; readonly equal: number } {
  const counts = new Uint32Array(upperBins);
  for (let i = 0; i < bits.length; i++) {
    const bin = ((bits[i] as number) >>> upperShift) & (upperBins - 1);
    counts[bin] = (counts[bin] as number) + 1;
  }
  const upper = findBin(counts, kept);
  // Few floats are left in one bin of 2,048: the rest is about those alone.
  const left = new Uint32Array(counts[upper.bin] as number);
  for (let i = 0, next = 0; i < bits.length; i++) {
    const magnitude = (bits[i] as number) & 0x7fff_ffff;
    if (magnitude >>> upperShift === upper.bin) left[next++] = magnitude;
  }
  const middle = findBin(
    countLower(left, (magnitude) => (magnitude >>> middleShift) & (lowerBins - 1)),
    upper.left,
  );
  const prefix = (upper.bin << (upperShift - middleShift)) | middle.bin;
  const same = left.filter((magnitude) => magnitude >>> middleShift === prefix);
  const lower = findBin(
    countLower(same, (magnitude) => magnitude & (lowerBins - 1)),
    middle.left,
  );
  return { threshold: (prefix << middleShift) | lower.bin, equal: lower.left };
}

function countLower(magnitudes: Uint32Array, binOf: (magnitude: number) => number): Uint32Array {
  const counts = new Uint32Array(lowerBins);
  for (const magnitude of magnitudes) {
    const bin = binOf(magnitude);
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}

/** The bin that has the n-th largest, and how many of the n are left for it. */
function findBin(counts: Uint32Array, n: number): { readonly bin: number; readonly left: number } {
  let left = n;
  for (let bin = counts.length - 1; bin > 0; bin--) {
    const count = counts[bin] as number;
    if (count >= left) return { bin, left };
    left -= count;
  }
  return { bin: 0, left };
}
