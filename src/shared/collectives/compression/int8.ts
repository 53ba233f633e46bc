/**
 * Whole numbers from -127 to 127, times a scale for each block of floats. The words: every block's scale, a float32, and then
 * the numbers, four to a word, the last word filled up with zeros.
 */
import { type Codec, wordsOf, wrongLength } from './codec.ts';

/** Floats that share a scale, which adds 1.6 % to their numbers. */
export const blockFloats = 256;
const largestNumber = 127;
/** A smaller scale would have lost bits itself. What it should carry is kept back. */
const smallestScale = 2 ** -126;
/** Added to a double of up to 2^51 and taken away again, this leaves it rounded to a whole number, ties to even. */
const rounder = 1.5 * 2 ** 52;

const blocksOf = (floats: number) => Math.ceil(floats / blockFloats);
const wordsFor = (floats: number) => blocksOf(floats) + Math.ceil(floats / 4);

export const int8: Codec = {
  wordsFor,
  encode(values, words, rest) {
    const { length } = values;
    const scales = words.subarray(0, blocksOf(length));
    const numbers = numbersOf(words, length);
    numbers.fill(0, length);
    for (let block = 0, from = 0; from < length; block++, from += blockFloats) {
      const to = Math.min(from + blockFloats, length);
      const scale = scaleFor(values, from, to);
      scales[block] = scale;
      if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) {
        // Nothing of the block is sent but that it is nothing, or not finite.
        numbers.fill(0, from, to);
        rest.set(values.subarray(from, to), from);
        continue;
      }
      const perScale = 1 / scale;
      for (let i = from; i < to; i++) {
        const value = values[i] as number;
        const number = value * perScale + rounder - rounder;
        numbers[i] = number;
        rest[i] = value - Math.fround(number * scale);
      }
    }
  },
  decode(words, target) {
    const { length } = target;
    const problem = wrongLength(words, wordsFor(length));
    if (problem !== undefined) return problem;
    const numbers = numbersOf(words, length);
    for (let block = 0, from = 0; from < length; block++, from += blockFloats) {
      const to = Math.min(from + blockFloats, length);
      const scale = words[block] as number;
      for (let i = from; i < to; i++) target[i] = (numbers[i] as number) * scale;
    }
    return undefined;
  },
};

/** All numbers, and what fills up the last word. */
function numbersOf(words: Float32Array, floats: number): Int8Array {
  const { buffer, byteOffset } = wordsOf(words).subarray(blocksOf(floats));
  return new Int8Array(buffer, byteOffset, Math.ceil(floats / 4) * 4);
}

/** @returns 0 where the block is too small to be sent, NaN where it is not finite */
function scaleFor(values: Float32Array, from: number, to: number): number {
  let largest = 0;
  // Of NaN and a number the maximum is NaN.
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(values[i] as number));
  if (!(largest < Number.POSITIVE_INFINITY)) return Number.NaN;
  const scale = Math.fround(largest / largestNumber);
  return scale < smallestScale ? 0 : scale;
}
