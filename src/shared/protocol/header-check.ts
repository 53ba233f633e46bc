/**
 * Looks a header over before it is decoded. A MessagePack decoder also builds what only its own language knows (undefined,
 * errors, classes compiled from text, graphs whose parts point at each other), however it is configured. Those are
 * MessagePack's extensions, and the protocol has none: a header with one is refused before anything of it is built.
 */
import { maxHeaderDepth, maxHeaderValues } from './limits.ts';

type Kind = 'value' | 'text' | 'list' | 'map' | 'extension' | 'binary data' | 'unused';

/** A type byte: what begins with it. */
interface Type {
  readonly kind: Kind;
  /** Bytes after the type byte that belong to the value itself, or that say its size. */
  readonly width: number;
  /** The size that the type byte says itself: bytes of text, items of a list, pairs of a map. */
  readonly size: number;
}

interface Container {
  readonly isMap: boolean;
  /** Values that are still to come. Every second one of a map is a key. */
  left: number;
}

/**
 * One pass over the bytes, which takes no memory beyond the depth.
 * @returns why the header is not one of ours; undefined if it is exactly one value of nil, booleans, numbers, text, lists
 *   and maps with text as keys
 */
export function findForeign(bytes: Uint8Array): string | undefined {
  const open: Container[] = [{ isMap: false, left: 1 }];
  let around = open[0] as Container;
  let at = 0;
  for (let values = 1; open.length > 0; values++) {
    const type = types[bytes[at] ?? 0] as Type;
    const { kind } = type;
    if (kind === 'extension' || kind === 'binary data' || kind === 'unused') return `${describe(kind)} at byte ${at}`;
    let end = at + 1 + type.width;
    const size = type.width === 0 ? type.size : bigEndian(bytes, at + 1, end);
    if (kind === 'text') end += size;
    if (end > bytes.length) return `cut off in the value at byte ${at}`;
    if (values > maxHeaderValues) return `more than ${maxHeaderValues} values`;
    if (around.isMap && around.left % 2 === 0 && kind !== 'text') return `a key that is no text at byte ${at}`;
    around.left -= 1;
    if (kind === 'list' || kind === 'map') {
      const isMap = kind === 'map';
      const left = isMap ? 2 * size : size;
      // A decoder takes room for all of them at once, and each has at least a byte.
      if (left > bytes.length - end) return `a ${kind} of ${size} at byte ${at}, which is cut off`;
      if (open.length > maxHeaderDepth) return `more than ${maxHeaderDepth} levels deep at byte ${at}`;
      open.push({ isMap, left });
    }
    at = end;
    while (open.at(-1)?.left === 0) open.pop();
    around = open.at(-1) ?? around;
  }
  return at === bytes.length ? undefined : `${bytes.length - at} bytes after its end`;
}

/** The types from 0xc0 to 0xdf: those of one kind follow each other, and differ in their widths. */
const others: readonly (readonly [kind: Kind, width: number])[] = [
  ['value', 0], // nil
  ['unused', 0],
  ...ofWidths('value', 0, 0), // booleans
  ...ofWidths('binary data', 1, 2, 4),
  ...ofWidths('extension', 1, 2, 4),
  ...ofWidths('value', 4, 8), // floats
  ...ofWidths('value', 1, 2, 4, 8), // unsigned integers
  ...ofWidths('value', 1, 2, 4, 8), // signed integers
  ...ofWidths('extension', 1, 2, 4, 8, 16),
  ...ofWidths('text', 1, 2, 4),
  ...ofWidths('list', 2, 4),
  ...ofWidths('map', 2, 4),
];

/** By type byte: https://github.com/msgpack/msgpack/blob/master/spec.md#overview. */
const types: readonly Type[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte < 0x80 || byte >= 0xe0) return { kind: 'value', width: 0, size: 0 };
  if (byte < 0x90) return { kind: 'map', width: 0, size: byte & 0x0f };
  if (byte < 0xa0) return { kind: 'list', width: 0, size: byte & 0x0f };
  if (byte < 0xc0) return { kind: 'text', width: 0, size: byte & 0x1f };
  const [kind, width] = others[byte - 0xc0] ?? ['unused', 0];
  return { kind, width, size: 0 };
});

function ofWidths(kind: Kind, ...widths: readonly number[]): readonly (readonly [Kind, number])[] {
  return widths.map((width) => [kind, width] as const);
}

function describe(kind: Kind): string {
  if (kind === 'extension') return 'an extension';
  return kind === 'unused' ? 'a type that MessagePack has not' : kind;
}

function bigEndian(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}
