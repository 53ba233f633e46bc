/**
 * bfloat16: the upper half of a float32, rounded to nearest, ties to even. Two to a word, the first in the lower half.
 * (Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019, arXiv:1905.12322.)
 */
import { type Codec, wrongLength } from './codec.ts';

/** The only NaN that is sent. */
const quietNaN = 0x7fc0;
/** 0xffff_0000 as a signed number, which V8 need not convert each time. */
const upperHalf = -0x1_0000;
const magnitude = 0x7fff_ffff;
const infinity = 0x7f80_0000;

const wordsFor = (floats: number) => Math.ceil(floats / 2);

export const bf16: Codec = {
  wordsFor,
  encode(values, words, rest) {
    const { length } = values;
    const out = bitsOf(words);
    const bits = bitsOf(values);
    // What a float comes to is written where its rest is to be.
    const sent = bitsOf(rest);
    const even = length - (length % 2);
    let isNaNs = 0;
    for (let i = 0; i < even; i += 2) {
      const first = bits[i] as number;
      const second = bits[i + 1] as number;
      const low = roundUp(first) & upperHalf;
      const high = roundUp(second) & upperHalf;
      out[i >>> 1] = (low >>> 16) | high;
      sent[i] = low;
      sent[i + 1] = high;
      // Negative where one of them is NaN.
      isNaNs |= (infinity - (first & magnitude)) | (infinity - (second & magnitude));
    }
    if (even < length || isNaNs < 0) encodeOneByOne(bits, isNaNs < 0 ? 0 : even, out, sent);
    subtractFrom(values, rest);
  },
  decode(words, target) {
    const problem = wrongLength(words, wordsFor(target.length));
    if (problem !== undefined) return problem;
    const from = bitsOf(words);
    const bits = bitsOf(target);
    const even = target.length - (target.length % 2);
    for (let i = 0; i < even; i += 2) {
      const word = from[i >>> 1] as number;
      bits[i] = word << 16;
      bits[i + 1] = word & upperHalf;
    }
    if (even < target.length) bits[even] = (from[even >>> 1] as number) << 16;
    return undefined;
  },
};

function bitsOf({ buffer, byteOffset, length }: Float32Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}

/** Adds just less than half of the last place that is kept, or half where that place is odd. */
function roundUp(bits: number): number {
  return (bits + 0x7fff + ((bits >>> 16) & 1)) | 0;
}

/** From an even place on, and with an eye to NaN. */
function encodeOneByOne(bits: Int32Array, from: number, out: Int32Array, sent: Int32Array): void {
  for (let i = from; i < bits.length; i++) {
    const float = bits[i] as number;
    const half = (float & magnitude) > infinity ? quietNaN : roundUp(float) >>> 16;
    const place = i >>> 1;
    out[place] = i % 2 === 0 ? half : (out[place] as number) | (half << 16);
    sent[i] = half << 16;
  }
}

/** `rest = values − rest`, each rounded to float32. Four floats a turn take two thirds of the time of one. */
function subtractFrom(values: Float32Array, rest: Float32Array): void {
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    rest[i] = (values[i] as number) - (rest[i] as number);
    rest[i + 1] = (values[i + 1] as number) - (rest[i + 1] as number);
    rest[i + 2] = (values[i + 2] as number) - (rest[i + 2] as number);
    rest[i + 3] = (values[i + 3] as number) - (rest[i + 3] as number);
  }
  for (let i = whole; i < values.length; i++) rest[i] = (values[i] as number) - (rest[i] as number);
}
