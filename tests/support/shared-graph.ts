/**
 * A hostile header: a graph in MessagePack with structured-clone extensions (0x69 declares a node, 0x70 points to one).
 * Each level points `fanOut` times to the level below, the lowest is a map of `members`, and there is one byte too many.
 * A decoder that knows these extensions takes `fanOut` times longer for each level, which is 69 bytes with a fan-out of
 * ten.
 */
export function sharedGraph({ levels, fanOut, members }: Record<'levels' | 'fanOut' | 'members', number>): Uint8Array {
  const extension = (type: number, id: number) => [0xd6, type, ...u32(id)];
  const keys = Array.from({ length: members }, (_, i) => {
    const name = Buffer.from(i.toString(36).padStart(2, '0'));
    return [0xa2, ...name, 0xd4, 0, 0];
  });
  const nodes = [[...extension(0x69, 0), 0xde, members >> 8, members & 255, ...keys.flat()]];
  for (let level = 1; level <= levels; level++) {
    const children = Array.from({ length: fanOut }, () => extension(0x70, level - 1)).flat();
    nodes.push([...extension(0x69, level), 0xdc, 0, fanOut, ...children]);
  }
  return Uint8Array.from([0xdc, 0, nodes.length, ...nodes.flat(), 0]);
}

function u32(value: number): readonly number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
