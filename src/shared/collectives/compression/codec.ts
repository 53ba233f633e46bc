/**
 * A codec makes a bucket of a gradient shorter, and says what that left out.
 *
 * An encoded bucket is a run of 32-bit words, which travels where floats would. Words are no numbers: whoever reads them as
 * floats, one by one, may change the bits of a NaN. Copying a Float32Array onto another keeps them.
 */
export interface Codec {
  /** Words that encode so many floats. */
  wordsFor(floats: number): number;
  /**
   * @param words as long as `wordsFor` says
   * @param rest gets, for each value, what it is more than what `decode` makes of the words, rounded to float32. Where a value
   * is not finite, a decoded one is not, and what `rest` has means nothing
   */
  encode(values: Float32Array, words: Float32Array, rest: Float32Array): void;
  /**
   * Comes to the same bits everywhere. Words of any peer may be handed in, whatever they are.
   * @param target all of it is filled, unless the words are refused
   * @returns what is wrong with the words; undefined where they are in order
   */
  decode(words: Float32Array, target: Float32Array): string | undefined;
}

export function wordsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

export function wrongLength(words: Float32Array, expected: number): string | undefined {
  return words.length === expected ? undefined : `it must have ${expected} words, got ${words.length}`;
}
