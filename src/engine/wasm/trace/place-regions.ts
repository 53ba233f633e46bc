/**
 * Places transient regions greedily in little memory. Regions may overlap if they are never in use at the same time.
 */
import { type Instruction, type Region, regionsOf } from './instructions.ts';

type TransientRegion = Extract<Region, { kind: 'transient' }>;

export interface Placement {
  /** Byte offsets, multiples of 64 (a cache line). */
  readonly offsets: ReadonlyMap<Region, number>;
  readonly bytes: number;
}

interface Placed {
  readonly from: number;
  readonly to: number;
  readonly lastUse: number;
}

const alignment = 64;

export function placeRegions(instructions: readonly Instruction[]): Placement {
  const lastUses = new Map<TransientRegion, number>();
  for (const [i, instruction] of instructions.entries()) {
    for (const region of regionsOf(instruction)) if (region.kind === 'transient') lastUses.set(region, i);
  }
  const offsets = new Map<Region, number>();
  let live: Placed[] = [];
  let bytes = 0;
  for (const [i, instruction] of instructions.entries()) {
    live = live.filter(({ lastUse }) => lastUse >= i);
    for (const region of regionsOf(instruction)) {
      if (region.kind !== 'transient' || offsets.has(region)) continue;
      const size = Math.ceil(region.bytes / alignment) * alignment;
      const from = firstGap(live, size);
      offsets.set(region, from);
      live.push({ from, to: from + size, lastUse: lastUses.get(region) ?? i });
      bytes = Math.max(bytes, from + size);
    }
  }
  return { offsets, bytes };
}

/** The lowest offset at which `size` bytes do not overlap a live region. */
function firstGap(live: readonly Placed[], size: number): number {
  let offset = 0;
  for (const { from, to } of live.toSorted((a, b) => a.from - b.from)) {
    if (offset + size <= from) break;
    offset = Math.max(offset, to);
  }
  return offset;
}
