/**
 * Vectors that can be added up by SIMD instructions, six times as fast as JavaScript adds floats. They lie in one WebAssembly
 * memory; each is an ordinary Float32Array.
 */
import { addOnto } from './add-onto.ts';

/** Floats that are best added up at a time: what a core's own cache holds of sum and part. */
export const blockFloats = 1 << 15;

export interface FloatMemory {
  readonly count: number;
  /** @param place below `count` */
  vector(place: number): Float32Array;
  /** `vector(sum)[sumFrom + i] += vector(part)[partFrom + i]` for each i below `floats`; each sum is rounded to float32. */
  add(sum: number, sumFrom: number, part: number, partFrom: number, floats: number): void;
}

const pageBytes = 65_536;
/** A page less than 32 bits can address, so that they can address the end as well. */
const largestBytes = 65_535 * pageBytes;

/**
 * @param lengths of the vectors, in floats
 * @param mostBytes of one WebAssembly memory; longer vectors are ordinary ones, and JavaScript adds them up
 */
export function createFloatMemory(lengths: readonly number[], mostBytes = largestBytes): FloatMemory {
  let bytes = 0;
  const addresses = lengths.map((length) => {
    const address = bytes;
    // A multiple of 64 bytes, so that vectors begin at cache lines.
    bytes += Math.ceil(length / 16) * 64;
    return address;
  });
  return bytes <= mostBytes ? inWebAssembly(lengths, addresses, bytes) : inJavaScript(lengths);
}

function inWebAssembly(lengths: readonly number[], addresses: readonly number[], bytes: number): FloatMemory {
  const memory = new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / pageBytes)) });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(adder), { m: { m: memory } });
  const addQuads = exports.a as (sum: number, part: number, partEnd: number) => void;
  const vectors = lengths.map((length, place) => new Float32Array(memory.buffer, addresses[place], length));
  const vector = (place: number) => vectors[place] as Float32Array;
  const addressOf = (place: number, from: number) => (addresses[place] as number) + from * 4;
  return {
    count: lengths.length,
    vector,
    add(sum, sumFrom, part, partFrom, floats) {
      const inQuads = floats - (floats % 4);
      const partAddress = addressOf(part, partFrom);
      if (inQuads > 0) addQuads(addressOf(sum, sumFrom), partAddress, partAddress + inQuads * 4);
      const rest = vector(part).subarray(partFrom + inQuads, partFrom + floats);
      addOnto(vector(sum).subarray(sumFrom + inQuads, sumFrom + floats), rest);
    },
  };
}

function inJavaScript(lengths: readonly number[]): FloatMemory {
  const vectors = lengths.map((length) => new Float32Array(length));
  const vector = (place: number) => vectors[place] as Float32Array;
  return {
    count: lengths.length,
    vector,
    add(sum, sumFrom, part, partFrom, floats) {
      const parts = vector(part).subarray(partFrom, partFrom + floats);
      addOnto(vector(sum).subarray(sumFrom, sumFrom + floats), parts);
    },
  };
}

/**
 * A module too small for a compiler. In text:
 *
 *     (module (import "m" "m" (memory 1)) (func (export "a") (param $sum i32) (param $part i32) (param $end i32)
 *       loop
 *         (v128.store (local.get $sum) (f32x4.add (v128.load (local.get $sum)) (v128.load (local.get $part))))
 *         (local.set $sum (i32.add (local.get $sum) (i32.const 16)))
 *         (br_if 0 (i32.lt_u (local.tee $part (i32.add (local.get $part) (i32.const 16))) (local.get $end)))
 *       end))
 */
const adder = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // Types, import of the memory, function, export.
  ...[0x01, 0x07, 0x01, 0x60, 0x03, 0x7f, 0x7f, 0x7f, 0x00],
  ...[0x02, 0x08, 0x01, 0x01, 0x6d, 0x01, 0x6d, 0x02, 0x00, 0x01],
  ...[0x03, 0x02, 0x01, 0x00, 0x07, 0x05, 0x01, 0x01, 0x61, 0x00, 0x00],
  // Code: one body of 45 bytes.
  ...[0x0a, 0x2f, 0x01, 0x2d, 0x00, 0x03, 0x40],
  ...[0x20, 0x00, 0x20, 0x00, 0xfd, 0x00, 0x02, 0x00, 0x20, 0x01, 0xfd, 0x00, 0x02, 0x00],
  ...[0xfd, 0xe4, 0x01, 0xfd, 0x0b, 0x02, 0x00],
  ...[0x20, 0x00, 0x41, 0x10, 0x6a, 0x21, 0x00],
  ...[0x20, 0x01, 0x41, 0x10, 0x6a, 0x22, 0x01],
  ...[0x20, 0x02, 0x49, 0x0d, 0x00, 0x0b, 0x0b],
]);
