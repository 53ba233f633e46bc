/**
 * Looks a header over before it is decoded. A MessagePack decoder also builds what only its own language knows (undefined,
 * errors, classes compiled from text, graphs whose parts point at each other), however it is configured. Those are
 * MessagePack's extensions, and the protocol has none: a header with one is refused before anything of it is built.
 */
import { maxHeaderDepth, maxHeaderValues } from './limits.ts';

/** Opens a container, or says what a value is and how many bytes it takes. */
type Token =
  | { readonly kind: 'value' | 'text'; readonly end: number }
  | { readonly kind: 'list' | 'map'; readonly end: number; readonly size: number }
  | { readonly kind: 'foreign'; readonly what: string };

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
  let at = 0;
  for (let values = 1; open.length > 0; values++) {
    const token = readToken(bytes, at);
    if (token.kind === 'foreign') return `${token.what} at byte ${at}`;
    if (token.end > bytes.length) return `cut off in the value at byte ${at}`;
    if (values > maxHeaderValues) return `more than ${maxHeaderValues} values`;
    const around = open[open.length - 1] as Container;
    if (around.isMap && around.left % 2 === 0 && token.kind !== 'text') return `a key that is no text at byte ${at}`;
    around.left -= 1;
    if (token.kind === 'list' || token.kind === 'map') {
      const left = token.kind === 'map' ? 2 * token.size : token.size;
      // A decoder takes room for all of them at once, and each has at least a byte.
      if (left > bytes.length - token.end) return `a ${token.kind} of ${token.size} at byte ${at}, which is cut off`;
      if (open.length > maxHeaderDepth) return `more than ${maxHeaderDepth} levels deep at byte ${at}`;
      open.push({ isMap: token.kind === 'map', left });
    }
    at = token.end;
    while (open.at(-1)?.left === 0) open.pop();
  }
  return at === bytes.length ? undefined : `${bytes.length - at} bytes after its end`;
}

/** Bytes after the type byte of values of a fixed length: float32 and float64, then integers, unsigned and signed. */
const fixedLengths: readonly number[] = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8];
const float32 = 0xca;

/** The token that begins at `at`. Its end may lie after the end of the bytes. */
function readToken(bytes: Uint8Array, at: number): Token {
  const type = bytes[at] ?? 0;
  const next = at + 1;
  if (type < 0x80 || type >= 0xe0) return { kind: 'value', end: next };
  if (type < 0x90) return { kind: 'map', end: next, size: type & 0x0f };
  if (type < 0xa0) return { kind: 'list', end: next, size: type & 0x0f };
  if (type < 0xc0) return { kind: 'text', end: next + (type & 0x1f) };
  const fixed = fixedLengths[type - float32];
  if (fixed !== undefined) return { kind: 'value', end: next + fixed };
  switch (type) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return { kind: 'value', end: next };
    case 0xd9:
    case 0xda:
    case 0xdb: {
      const width = 1 << (type - 0xd9);
      return { kind: 'text', end: next + width + bigEndian(bytes, next, width) };
    }
    case 0xdc:
    case 0xdd: {
      const width = type === 0xdc ? 2 : 4;
      return { kind: 'list', end: next + width, size: bigEndian(bytes, next, width) };
    }
    case 0xde:
    case 0xdf: {
      const width = type === 0xde ? 2 : 4;
      return { kind: 'map', end: next + width, size: bigEndian(bytes, next, width) };
    }
    case 0xc1:
      return { kind: 'foreign', what: 'a type that MessagePack has not' };
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return { kind: 'foreign', what: 'binary data' };
    default:
      return { kind: 'foreign', what: 'an extension' };
  }
}

function bigEndian(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = at; i < at + width; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}
