/** How long it takes to encode and to decode a gradient: what compression costs each worker, whatever the link. */
import { codecNamed } from '../../shared/collectives/compression/codecs.ts';
import { createRandom } from '../../shared/core/random.ts';

export interface CodecTimes {
  /** Nanoseconds for a float: the fastest of many rounds, which nothing else has disturbed. */
  readonly encode: number;
  readonly decode: number;
}

/** @param floats of the gradient, which is one bucket */
export function timeCodec(name: string, floats: number, rounds = 300): CodecTimes {
  const codec = codecNamed(name);
  if (codec === undefined) throw new Error(`timeCodec: there is no ${name}`);
  const random = createRandom(1);
  const values = Float32Array.from({ length: floats }, () => (random.float() - 0.5) * 2 ** (-8 * random.float()));
  const words = new Float32Array(codec.wordsFor(floats));
  const [rest, target] = [new Float32Array(floats), new Float32Array(floats)];
  const fastest = (work: () => void) => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      work();
      best = Math.min(best, performance.now() - began);
    }
    return (best * 1e6) / floats;
  };
  return {
    encode: fastest(() => codec.encode(values, words, rest)),
    decode: fastest(() => codec.decode(words, target)),
  };
}
