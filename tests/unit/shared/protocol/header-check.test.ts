/** What a header may be made of, byte for byte, against msgpackr as the other opinion. */
import fc from 'fast-check';
import { pack, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { findForeign } from '../../../../src/shared/protocol/header-check.ts';
import { maxHeaderDepth, maxHeaderValues } from '../../../../src/shared/protocol/limits.ts';
import { sharedGraph } from '../../../support/shared-graph.ts';
import { rounds } from '../../../support/thoroughness.ts';

const check = (hex: string) => findForeign(Buffer.from(hex, 'hex'));

describe('a header of our own types', () => {
  it.each([
    ['small integers', '9300 7f e0'],
    ['nil and booleans', '93 c0 c2 c3'],
    ['floats', '92 ca3f800000 cb3ff0000000000000'],
    ['unsigned integers', '94 cc80 cd8000 ce80000000 cf8000000000000000'],
    ['signed integers', '94 d080 d18000 d280000000 d38000000000000000'],
    ['text', `94 a0 d90161 da000161 db0000000161`],
    ['lists', '93 90 dc000190 dd00000001c0'],
    ['maps', '93 80 de0001a16101 df00000001a16101'],
  ])('passes: %s', (_, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(findForeign(bytes)).toBeUndefined();
    expect(() => unpack(bytes)).not.toThrow();
  });

  it('passes, whatever JSON it holds, and no part of it does', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = pack({ value });
        expect(findForeign(bytes)).toBeUndefined();
        // msgpackr renames the key that would set a prototype.
        const expected = JSON.stringify({ value }).replaceAll('"__proto__":', '"__proto_":');
        expect(unpack(bytes)).toEqual(JSON.parse(expected));
        for (const length of [0, 1, bytes.length >> 1, bytes.length - 1]) {
          expect(findForeign(bytes.subarray(0, length))).toMatch(/cut off/);
        }
      }),
      { numRuns: rounds(80, 5000), examples: [[JSON.parse('{"__proto__":{"a":1}}')]] },
    );
  });
});

describe('a header of other types', () => {
  const extension = 'an extension at byte 1';
  it.each([
    ['undefined, as msgpackr writes it', '91d40000', extension],
    ['every fixed extension', '91d50000', extension],
    ['of four bytes', '91d669', extension],
    ['of eight', '91d7', extension],
    ['of sixteen', '91d8', extension],
    ['extensions with a length', '91c70072', extension],
    ['of 16 bits', '91c8', extension],
    ['of 32 bits', '91c9', extension],
    ['binary data', '91c4', 'binary data at byte 1'],
    ['of 16 bits', '91c5', 'binary data at byte 1'],
    ['of 32 bits', '91c6', 'binary data at byte 1'],
    ['the type that is not used', '91c1', 'a type that MessagePack has not at byte 1'],
    ['a key that is a number', '810101', 'a key that is no text at byte 1'],
    ['a key that is a list', '8190c0', 'a key that is no text at byte 1'],
    ['a later key that is nil', '82a161c0c0c0', 'a key that is no text at byte 4'],
    ['nothing', '', 'cut off in the value at byte 0'],
    ['one byte too many', 'c0c0', '1 bytes after its end'],
    ['a header twice', '8080', '1 bytes after its end'],
    ['a list that is not all there', '92c0', 'a list of 2 at byte 0, which is cut off'],
    ['a map that is not all there', '81a161', 'cut off in the value at byte 3'],
    ['text that is not all there', '91a261', 'cut off in the value at byte 1'],
    ['a length that is not all there', '91da01', 'cut off in the value at byte 1'],
    ['4 GiB of text', 'dbffffffff', 'cut off in the value at byte 0'],
    ['a list of 4 billion', 'ddffffffff', 'a list of 4294967295 at byte 0, which is cut off'],
    ['a map of 4 billion', 'dfffffffff', 'a map of 4294967295 at byte 0, which is cut off'],
  ])('is refused: %s', (_, hex, reason) => {
    expect(check(hex)).toBe(reason);
  });

  it('is refused whatever a value of another type is wrapped in', () => {
    for (const value of [undefined, new Date(), new Map([[1, 2]]), new Error('x'), Buffer.of(1)]) {
      expect(findForeign(pack({ a: [{ b: value }] })), String(value)).toMatch(/ at byte \d+$/);
    }
  });

  it('is refused before it is looked at to its end', () => {
    expect(findForeign(sharedGraph({ levels: 12, fanOut: 10, members: 50 }))).toBe('an extension at byte 3');
  });
});

describe('a header that is too', () => {
  it('deep is refused', () => {
    const nested = (depth: number) => `${'91'.repeat(depth)}c0`;
    expect(check(nested(maxHeaderDepth))).toBeUndefined();
    expect(check(nested(maxHeaderDepth + 1))).toBe('more than 32 levels deep at byte 32');
    // What is empty has a level too.
    for (const empty of ['80', '90']) {
      expect(check(`${'91'.repeat(maxHeaderDepth - 1)}${empty}`)).toBeUndefined();
      expect(check(`${'91'.repeat(maxHeaderDepth)}${empty}`)).toBe('more than 32 levels deep at byte 32');
    }
    // Side by side is not deep.
    expect(check(`dc0100${nested(maxHeaderDepth - 1).repeat(256)}`)).toBeUndefined();
  });

  it('full is refused', () => {
    const list = (size: number) =>
      Buffer.concat([Buffer.from([0xdd, 0, size >> 16, (size >> 8) & 255, size & 255]), Buffer.alloc(size)]);
    expect(findForeign(list(maxHeaderValues - 1))).toBeUndefined();
    expect(findForeign(list(maxHeaderValues))).toBe('more than 16384 values');
  });
});
