/** Compression as its formulas say, float by float and without a thought of speed: what real codecs must come to. */

/** What is sent of a bucket, as it is decoded. */
export type PlainCodec = (values: readonly number[]) => readonly number[];

const scratch = new DataView(new ArrayBuffer(4));

function floatOf(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** The nearer one of the two floats around it whose lower half is zero, or the one with an even upper half. */
function toBf16(value: number): number {
  if (!Number.isFinite(value)) return value;
  const below = bitsOf(value) & 0xffff_0000;
  const [toZero, fromZero] = [below >>> 0, (below + 0x1_0000) >>> 0];
  const half = Math.abs(floatOf((below | 0x8000) >>> 0));
  const magnitude = Math.abs(value);
  if (magnitude === half) return floatOf((toZero >>> 16) % 2 === 0 ? toZero : fromZero);
  return floatOf(magnitude < half ? toZero : fromZero);
}

/** The nearest one, ties to even. There is no minus zero. */
function wholeNumber(value: number): number {
  return roundHalfEven(value) + 0;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const part = value - floor;
  if (part !== 0.5) return part < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function toInt8(values: readonly number[]): readonly number[] {
  const sent: number[] = [];
  for (let from = 0; from < values.length; from += 256) {
    const block = values.slice(from, from + 256);
    if (!block.every(Number.isFinite)) sent.push(...block.map(() => Number.NaN));
    else {
      const scale = Math.fround(Math.max(...block.map(Math.abs)) / 127);
      const isTiny = scale < 2 ** -126;
      sent.push(...block.map((value) => (isTiny ? 0 : Math.fround(wholeNumber(value * (1 / scale)) * scale))));
    }
  }
  return sent;
}

function keepLargest(values: readonly number[], percent: number): readonly number[] {
  const magnitude = (value: number) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : Math.abs(value));
  const order = values.map((_, index) => index);
  order.sort((a, b) => magnitude(values[b] ?? 0) - magnitude(values[a] ?? 0) || a - b);
  const kept = new Set(order.slice(0, Math.ceil((values.length * percent) / 100)));
  return values.map((value, index) => (kept.has(index) ? value : 0));
}

/** By the name that `--compress` takes. */
export function plainCodec(name: string): PlainCodec {
  if (name === 'bf16') return (values) => values.map(toBf16);
  if (name === 'int8') return toInt8;
  return (values) => keepLargest(values, Number(name.slice('topk:'.length)));
}

/** What a rank sends, step after step, and what it has kept back. */
export interface PlainRank {
  kept: readonly number[];
  /** The samples of the global batch that it was kept of; 1 unless given. */
  keptOf?: number;
}

/**
 * A step that all apply: each rank adds what it kept back to its gradient, sends what the codec leaves of each bucket, and
 * keeps the rest.
 * @param ends of the buckets
 * @param samples of the global batch
 * @returns the sum over ranks, rounded to float32 after each
 */
export function plainStep(
  codec: PlainCodec,
  ranks: readonly PlainRank[],
  gradients: readonly Float32Array[],
  ends: readonly number[],
  samples = 1,
): readonly number[] {
  const sent = ranks.map((rank, place) => {
    const scale = samples / (rank.keptOf ?? 1);
    const full = [...(gradients[place] ?? [])].map((value, i) => Math.fround(value + scale * (rank.kept[i] ?? 0)));
    const decoded = ends.flatMap((to, bucket) => codec(full.slice(ends[bucket - 1] ?? 0, to)));
    rank.kept = full.map((value, i) => Math.fround(value - (decoded[i] ?? 0)));
    rank.keptOf = samples;
    return decoded;
  });
  return sent.reduce((sum, part) => sum.map((value, i) => Math.fround(value + (part[i] ?? 0))));
}
