/** The codecs: exact tables, and properties that hold of all gradients. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec } from '../../../../../src/shared/collectives/compression/codec.ts';
import { codecNamed } from '../../../../../src/shared/collectives/compression/codecs.ts';
import { plainCodec } from '../../../../support/plain-compression.ts';
import { logUniform, orZero, uniform } from '../../../../support/realistic-numbers.ts';

const names = ['bf16', 'int8', 'topk:10', 'topk:1', 'topk:0.5', 'topk:49'];

function codec(name: string): Codec {
  const found = codecNamed(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

function encode(name: string, values: ArrayLike<number>) {
  const { wordsFor, encode: encodeInto } = codec(name);
  const words = new Float32Array(wordsFor(values.length)).fill(Number.NaN);
  const rest = new Float32Array(values.length).fill(7);
  encodeInto(Float32Array.from(values), words, rest);
  return { words, rest };
}

function decode(name: string, words: Float32Array, floats: number): Float32Array {
  const target = new Float32Array(floats).fill(7);
  expect(codec(name).decode(words, target)).toBeUndefined();
  return target;
}

const sent = (name: string, values: ArrayLike<number>) => decode(name, encode(name, values).words, values.length);

const hex = ({ buffer, byteOffset, length }: Float32Array) =>
  [...new Uint32Array(buffer, byteOffset, length)].map((word) => word.toString(16));
const fromHex = (...words: readonly number[]) => new Float32Array(Uint32Array.from(words).buffer);

/** As gradients are: sizes of any order, either sign, some zero. */
const float = fc
  .tuple(orZero(logUniform(1e-12, 1e6)), fc.boolean())
  .map(([size, isUp]) => Math.fround(isUp ? size : -size));
const gradient = fc.oneof(
  fc.array(float, { maxLength: 40 }),
  fc.array(float, { minLength: 250, maxLength: 530 }),
  // Of one order of magnitude, with many equals.
  fc.array(
    uniform(-1, 1).map((value) => Math.fround(Math.round(value * 8) / 8)),
    { maxLength: 300 },
  ),
);

describe.each(names)('%s', (name) => {
  it('sends what plain formulas say, and knows to the bit what it leaves out', () => {
    fc.assert(
      fc.property(gradient, (values) => {
        const { words, rest } = encode(name, values);
        const decoded = decode(name, words, values.length);
        expect([...decoded]).toEqual([...Float32Array.from(plainCodec(name)(values))]);
        expect([...rest]).toEqual([...Float32Array.from(values.map((value, i) => value - (decoded[i] ?? 0)))]);
      }),
      { numRuns: 100 },
    );
  });

  it('sends nothing more of what was decoded once', () => {
    fc.assert(
      fc.property(gradient, (values) => {
        const once = sent(name, values);
        expect(encode(name, once).rest.every((left) => left === 0)).toBe(true);
        expect([...sent(name, once)]).toEqual([...once]);
      }),
    );
  });

  it('leaves the values as they are, whatever memory they are in', () => {
    const memory = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i));
    const before = memory.slice();
    const values = memory.subarray(3, 303);
    const words = new Float32Array(1000).fill(5);
    const place = words.subarray(7, 7 + codec(name).wordsFor(300));
    codec(name).encode(values, place, new Float32Array(300));
    expect(memory).toEqual(before);
    expect(hex(place)).toEqual(hex(encode(name, values).words));
    for (const outside of [words.subarray(0, 7), words.subarray(7 + place.length)]) {
      expect(outside.every((word) => word === 5)).toBe(true);
    }
  });

  it('sends of no floats nothing', () => {
    const { words } = encode(name, []);
    expect(words).toHaveLength(0);
    expect(decode(name, words, 0)).toHaveLength(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('shows %f', (odd) => {
    for (const place of [0, 1, 255, 256, 298]) {
      const values = Float32Array.from({ length: 299 }, (_, i) => (i % 2 === 0 ? 3e38 : -3e38));
      values[place] = odd;
      expect(Number.isFinite(sent(name, values)[place])).toBe(false);
    }
  });

  it('takes any words of the right length, or says what is wrong with them, and writes nowhere else', () => {
    const floats = fc.integer({ min: 1, max: 300 });
    const bits = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(floats, fc.array(bits, { minLength: 310, maxLength: 310 }), (length, drawn) => {
        const words = fromHex(...drawn.slice(0, codec(name).wordsFor(length)));
        const memory = new Float32Array(length + 20).fill(7);
        const before = memory.slice();
        const problem = codec(name).decode(words, memory.subarray(10, 10 + length));
        if (problem !== undefined) expect(memory).toEqual(before);
        for (const outside of [memory.subarray(0, 10), memory.subarray(10 + length)]) {
          expect(outside.every((value) => value === 7)).toBe(true);
        }
      }),
    );
  });

  it.each([-1, 1])('refuses words of another length by %i', (more) => {
    const expected = codec(name).wordsFor(299);
    const target = new Float32Array(299).fill(7);
    const problem = codec(name).decode(new Float32Array(expected + more), target);
    expect(problem).toBe(`it must have ${expected} words, got ${expected + more}`);
    expect(target.every((value) => value === 7)).toBe(true);
  });
});

describe('bf16', () => {
  it.each([
    ['a float that is one already', 0x3f80_0000, 0x3f80],
    ['just below half', 0x3f80_7fff, 0x3f80],
    ['half of an even place', 0x3f80_8000, 0x3f80],
    ['half of an odd place', 0x3f81_8000, 0x3f82],
    ['just above half', 0x3f80_8001, 0x3f81],
    ['a negative one', 0xbf81_8000, 0xbf82],
    ['what carries into the exponent', 0x3fff_ffff, 0x4000],
    ['what is nearer to infinity', 0x7f7f_ffff, 0x7f80],
    ['infinity', 0xff80_0000, 0xff80],
    ['minus zero', 0x8000_0000, 0x8000],
    ['the smallest float', 0x0000_0001, 0x0000],
    ['the smallest that is not lost', 0x0000_8001, 0x0001],
    ['any NaN', 0x7f80_0001, 0x7fc0],
    ['a NaN that would round to zero', 0xffff_ffff, 0x7fc0],
  ])('rounds %s', (_, bits, half) => {
    // In either half of a word, and alone.
    expect(hex(encode('bf16', fromHex(bits, 0)).words)).toEqual([half.toString(16)]);
    expect(hex(encode('bf16', fromHex(0, bits)).words)).toEqual([((half << 16) >>> 0).toString(16)]);
    expect(hex(encode('bf16', fromHex(0, 0, bits)).words)).toEqual(['0', half.toString(16)]);
    expect(hex(decode('bf16', encode('bf16', fromHex(bits, 0)).words, 2))).toEqual([
      ((half << 16) >>> 0).toString(16),
      '0',
    ]);
  });

  it('takes half of the words', () => {
    expect([0, 1, 2, 3, 93_322].map(codec('bf16').wordsFor)).toEqual([0, 1, 1, 2, 46_661]);
  });
});

describe('int8', () => {
  it('has a scale for each 256 floats, and then four numbers to a word', () => {
    expect([0, 1, 4, 5, 256, 257, 93_322].map(codec('int8').wordsFor)).toEqual([0, 2, 2, 3, 65, 67, 23_696]);
    const values = [...Array<number>(255).fill(0), 127, -254, 2, 1, 3, 0];
    const { words, rest } = encode('int8', values);
    expect([...words.subarray(0, 2)]).toEqual([1, 2]);
    // The 64th word of the first block ends with its largest; the second block has -127, 1, 0.5 and 1.5 to even, and 0.
    expect(hex(words.subarray(65))).toEqual(['7f000000', '2000181', '0']);
    expect([...rest.subarray(255)]).toEqual([0, 0, 0, 1, -1, 0]);
  });

  it('keeps back a block whose scale would have lost bits, and no larger one', () => {
    expect([...sent('int8', [127 * 2 ** -127])]).toEqual([0]);
    expect([...encode('int8', [127 * 2 ** -127]).rest]).toEqual([127 * 2 ** -127]);
    expect([...sent('int8', [127 * 2 ** -126])]).toEqual([127 * 2 ** -126]);
  });
});

describe('topk', () => {
  it('sends places in ascending order, and then the floats', () => {
    const { words, rest } = encode('topk:30', [1, -5, 0.5, 4, 0, 0, -0.25, 4.5, 2, 0]);
    expect(hex(words)).toEqual(['1', '3', '7', ...hex(Float32Array.of(-5, 4, 4.5))]);
    expect([...rest]).toEqual([1, 0, 0.5, 0, 0, 0, -0.25, 0, 2, 0]);
  });

  it('takes the first of equals', () => {
    expect([...sent('topk:40', [1, -2, 2, -2, 2])]).toEqual([0, -2, 2, 0, 0]);
    expect([...sent('topk:40', [2, 1, 1, 1, 1])]).toEqual([2, 1, 0, 0, 0]);
  });

  it('tells apart floats that differ in their last bit', () => {
    const values = [0x3f80_0001, 0x3f80_0003, 0xbf80_0002, 0x3f80_0000, 0x3f80_0400].map(
      (bits) => fromHex(bits)[0] ?? 0,
    );
    expect(hex(sent('topk:40', values))).toEqual(['0', '3f800003', '0', '0', '3f800400']);
  });

  it('rounds up how many it sends: at least one', () => {
    expect([1, 99, 100, 101, 93_322].map(codec('topk:1').wordsFor)).toEqual([2, 2, 2, 4, 1868]);
  });

  it.each([
    ['a place past the end', [3, 10], 'place 1 must be from 4 to 9, got 10'],
    ['a place far past the end', [0, 0xffff_ffff], 'place 1 must be from 1 to 9, got 4294967295'],
    ['a place twice', [4, 4], 'place 1 must be from 5 to 9, got 4'],
    ['places that descend', [4, 3], 'place 1 must be from 5 to 9, got 3'],
    ['a place after the last', [9, 9], 'place 1 must be from 10 to 9, got 9'],
  ])('refuses %s', (_, places, problem) => {
    const target = new Float32Array(10).fill(7);
    expect(codec('topk:20').decode(fromHex(...places, 0x3f80_0000, 0x3f80_0000), target)).toBe(problem);
    expect(target.every((value) => value === 7)).toBe(true);
  });
});
