/**
 * IDX, the file format of MNIST: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian
 * uint32, then the elements in row-major order. Only unsigned bytes are supported, the type that such datasets use.
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
 */
import { badInput } from '../core/errors.ts';

/** A tensor of bytes. */
export interface Idx {
  /** At least one dimension. Their product is `data.length`. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const unsignedByte = 0x08;
const elementTypes: Readonly<Record<number, string>> = {
  9: 'int8',
  11: 'int16',
  12: 'int32',
  13: 'float32',
  14: 'float64',
};

/** The size of a header, in bytes. */
export function idxHeaderBytes(dimensions: number): number {
  return 4 + 4 * dimensions;
}

/**
 * Parses uncompressed IDX bytes. The result's data is a view of `bytes`.
 * @param where the file or URL that the bytes came from, for error messages
 * @throws PennygradError `bad-input` unless the bytes are exactly one tensor of unsigned bytes
 */
export function parseIdx(bytes: Uint8Array, where: string): Idx {
  const { header, shape, expected } = parseHeader(bytes, where);
  if (bytes.length < expected)
    throw tooShort(where, `${shape.join(' × ')} elements in ${expected} bytes`, bytes.length);
  if (bytes.length > expected) {
    const surplus = bytes.length - expected;
    throw badInput(
      `${where}: oversized: its header promises ${shape.join(' × ')} elements in ${expected} bytes, found ${surplus} more; get the file again`,
    );
  }
  // Always a plain Uint8Array: `bytes` may be a Buffer, whose `slice` does not copy.
  return { shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset + header, bytes.length - header) };
}

/** The size of the largest header, in bytes. */
export const largestIdxHeader = idxHeaderBytes(255);

/**
 * The size of the whole file by its header, so that no more than that need be unpacked.
 * @param head the uncompressed file, or at least `largestIdxHeader` bytes of it
 * @throws PennygradError `bad-input` if this is not the header of a tensor of unsigned bytes
 */
export function announcedBytes(head: Uint8Array, where: string): number {
  return parseHeader(head, where).expected;
}

function parseHeader(bytes: Uint8Array, where: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw tooShort(where, 'its first 4 bytes', bytes.length);
  if (view.getUint16(0) !== 0) throw notIdx(where, bytes);
  const type = view.getUint8(2);
  const dimensions = view.getUint8(3);
  if (type !== unsignedByte) {
    const found = elementTypes[type];
    if (found === undefined) throw notIdx(where, bytes);
    throw badInput(`${where}: holds ${found} elements (type code ${type}); only unsigned bytes (8) are supported`);
  }
  if (dimensions === 0) throw notIdx(where, bytes);

  const header = idxHeaderBytes(dimensions);
  if (bytes.length < header) throw tooShort(where, `a header of ${header} bytes`, bytes.length);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  return { header, shape, expected: header + shape.reduce((product, size) => product * size, 1) };
}

/**
 * The inverse of `parseIdx`.
 * @throws RangeError if the data does not have the shape's size
 */
export function serializeIdx({ shape, data }: Idx): Uint8Array {
  const elements = shape.reduce((product, size) => product * size, 1);
  if (shape.length === 0 || shape.length > 255 || elements !== data.length) {
    throw new RangeError(`a tensor of shape [${shape}] cannot hold ${data.length} elements`);
  }
  const header = idxHeaderBytes(shape.length);
  const bytes = new Uint8Array(header + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(2, unsignedByte);
  view.setUint8(3, shape.length);
  shape.forEach((size, i) => {
    view.setUint32(4 + 4 * i, size);
  });
  bytes.set(data, header);
  return bytes;
}

function tooShort(where: string, expected: string, found: number) {
  return badInput(`${where}: truncated: expected ${expected}, found ${found} bytes; get the file again`);
}

function notIdx(where: string, bytes: Uint8Array) {
  const found = Buffer.from(bytes.subarray(0, 4)).toString('hex').replace(/..\B/g, '$& ');
  return badInput(
    `${where}: not an IDX file: expected it to start with 00 00 08 and the number of dimensions, found ${found}`,
  );
}
