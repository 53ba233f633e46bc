/**
 * Seeded randomness, the same on every platform: xoshiro128** by David Blackman and Sebastiano Vigna (2018,
 * https://prng.di.unimi.it/xoshiro128starstar.c), seeded with splitmix32. Not for secrets.
 */
export interface Random {
  /** Uniform in `0 .. 2^32 − 1`. */
  uint32(): number;
  /** Uniform in [0, 1), with 32 random bits. */
  float(): number;
  /** Uniform in `0 .. bound − 1`, without bias. @param bound 1 to 2^32 */
  integer(bound: number): number;
  /** Shuffles in place: every order is equally likely (Fisher and Yates). */
  shuffle(values: Uint32Array): void;
}

/** 2^32 / φ: its multiples spread evenly, and a zero does not stay zero. */
const golden = 0x9e37_79b9;

/**
 * @param seed an integer from 0 to 2^32 − 1
 * @param stream numbers that separate the uses of one seed; each combination gives another sequence
 */
export function createRandom(seed: number, ...stream: readonly number[]): Random {
  let mixed = seed >>> 0;
  for (const part of stream) mixed = splitmix32((mixed + golden) ^ splitmix32((part + golden) >>> 0));
  const state = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    mixed = (mixed + golden) >>> 0;
    state[i] = splitmix32(mixed);
  }
  return fromState(state);
}

/** The generator with a given state of four words, not all zero. Callers want `createRandom`. */
export function fromState(words: ArrayLike<number>): Random {
  // Typed: V8 makes an object of each word that it keeps in a variable of a closure.
  const state = Int32Array.from(words);

  function uint32(): number {
    const before = state[1] as number;
    const result = Math.imul(rotateLeft(Math.imul(before, 5), 7), 9) >>> 0;
    const c = (state[2] as number) ^ (state[0] as number);
    const d = (state[3] as number) ^ before;
    state[1] = before ^ c;
    state[0] = (state[0] as number) ^ d;
    state[2] = c ^ (before << 9);
    state[3] = rotateLeft(d, 11);
    return result;
  }

  function integer(bound: number): number {
    // Values past the last whole multiple of `bound` would make small results more likely.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = uint32();
    while (value >= limit) value = uint32();
    return value % bound;
  }

  return {
    uint32,
    float: () => uint32() / 2 ** 32,
    integer,
    shuffle(values) {
      for (let last = values.length - 1; last > 0; last--) {
        const other = integer(last + 1);
        const kept = values[last] as number;
        values[last] = values[other] as number;
        values[other] = kept;
      }
    },
  };
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** The output mix of splitmix32: a bijection on 32-bit words without visible pattern. */
function splitmix32(word: number): number {
  let z = word;
  z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
