import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseIdx, serializeIdx } from '../../../../src/shared/data/idx.ts';
import { uniform } from '../../../support/realistic-numbers.ts';
import { idxBytes } from '../../../support/small-dataset.ts';

const tensors = fc
  .array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 })
  .chain((shape) =>
    fc
      .uint8Array({ minLength: product(shape), maxLength: product(shape) })
      .map((data) => ({ shape, data: new Uint8Array(data) })),
  );

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

test('what is serialized is read back', () => {
  fc.assert(
    fc.property(tensors, (tensor) => {
      const read = parseIdx(serializeIdx(tensor), 'f');
      expect(read.shape).toEqual(tensor.shape);
      expect([...read.data]).toEqual([...tensor.data]);
    }),
  );
});

test('the bytes are those of the format', () => {
  const byHand = idxBytes([3, 300, 1], (i) => i % 251);
  expect(Buffer.from(serializeIdx({ shape: [3, 300, 1], data: byHand.subarray(16) })).equals(byHand)).toBe(true);
  expect(parseIdx(byHand, 'f').shape).toEqual([3, 300, 1]);
});

test('elements are a view, also of bytes that do not start their buffer', () => {
  const bytes = idxBytes([2], (i) => i + 5);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const { data } = parseIdx(shifted.subarray(3), 'f');
  expect(data).toEqual(Uint8Array.of(5, 6));
  expect(parseIdx(bytes, 'f').data).toEqual(Uint8Array.of(5, 6));
  expect(data.buffer).toBe(shifted.buffer);
});

test('a file cut at any byte is truncated, and named', () => {
  const bytes = idxBytes([4, 3, 2], (i) => i);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => parseIdx(bytes.subarray(0, length), 'some/file')).toThrow(
      new RegExp(`^some/file: truncated: expected .*found ${length} bytes`),
    );
  }
  expect(parseIdx(bytes, 'some/file').data).toHaveLength(24);
});

test('cutting any tensor anywhere is an error', () => {
  fc.assert(
    fc.property(tensors, uniform(0, 0.999), (tensor, share) => {
      const bytes = serializeIdx(tensor);
      expect(() => parseIdx(bytes.subarray(0, Math.floor(share * bytes.length)), 'f')).toThrow('truncated');
    }),
  );
});

test('surplus bytes are refused', () => {
  const bytes = Buffer.concat([idxBytes([2], () => 1), Buffer.of(0)]);
  expect(() => parseIdx(bytes, 'f')).toThrow('f: oversized: its header promises 2 elements in 10 bytes, found 1 more');
});

test.each([
  ['a web page', Buffer.from('<html></html>'), /not an IDX file: expected .*found 3c 68 74 6d/],
  ['floats', Buffer.of(0, 0, 13, 1, 0, 0, 0, 0), /holds float32 elements/],
  ['an unknown type', Buffer.of(0, 0, 7, 1, 0, 0, 0, 0), /not an IDX file/],
  ['no dimensions', Buffer.of(0, 0, 8, 0, 0), /not an IDX file/],
  ['sizes beyond any file', Buffer.of(0, 0, 8, 4, ...Array(16).fill(255)), /truncated/],
])('%s is refused', (_, bytes, message) => {
  expect(() => parseIdx(bytes, 'f')).toThrow(message);
});

test('arbitrary bytes are read or refused, never more', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        const { shape, data } = parseIdx(bytes, 'f');
        expect(data).toHaveLength(product(shape));
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-input' });
      }
    }),
  );
});

test('a shape that does not fit the data is a fault of the caller', () => {
  expect(() => serializeIdx({ shape: [2, 2], data: new Uint8Array(3) })).toThrow(RangeError);
});
