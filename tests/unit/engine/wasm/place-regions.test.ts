import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Instruction, Region } from '../../../../src/engine/wasm/trace/instructions.ts';
import { placeRegions } from '../../../../src/engine/wasm/trace/place-regions.ts';

type Transient = Extract<Region, { kind: 'transient' }>;

function instruction(...args: readonly Region[]): Instruction {
  return { opcode: 1, passes: 7, args: [...args, 5] };
}

it('gives a place again when its region is no longer needed', () => {
  const [a, b, c]: readonly Transient[] = [1000, 500, 1000].map((bytes) => ({ kind: 'transient', bytes }));
  const { offsets, bytes } = placeRegions([
    instruction(a as Region, b as Region),
    instruction(b as Region, c as Region),
  ]);
  expect(offsets.get(c as Region)).toBe(offsets.get(a as Region));
  expect(bytes).toBe(1024 + 512);
});

it('leaves other regions where they are', () => {
  const { offsets, bytes } = placeRegions([instruction({ kind: 'gradients', offset: 8 }, { kind: 'batch' })]);
  expect([offsets.size, bytes]).toEqual([0, 0]);
});

it('lets no two regions that are needed at once touch, whatever the program', () => {
  const program = fc
    .array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 12 })
    .chain((sizes) =>
      fc.tuple(fc.constant(sizes), fc.array(fc.array(fc.nat(sizes.length - 1), { maxLength: 4 }), { maxLength: 30 })),
    );
  fc.assert(
    fc.property(program, ([sizes, uses]) => {
      const regions = sizes.map((bytes): Transient => ({ kind: 'transient', bytes }));
      const { offsets, bytes } = placeRegions(uses.map((use) => instruction(...use.map((i) => regions[i] as Region))));
      const lives = regions.map((_, i) => uses.flatMap((use, at) => (use.includes(i) ? [at] : [])));
      const overlap = (x: number, y: number) => {
        const [from, to] = [offsets.get(regions[x] as Region) ?? 0, offsets.get(regions[y] as Region) ?? 0];
        return from < to + (sizes[y] ?? 0) && to < from + (sizes[x] ?? 0);
      };
      for (const [x, livesX] of lives.entries()) {
        if (livesX.length === 0) continue;
        const offset = offsets.get(regions[x] as Region) as number;
        expect(offset % 64).toBe(0);
        expect(offset + (sizes[x] ?? 0)).toBeLessThanOrEqual(bytes);
        for (const [y, livesY] of lives.entries()) {
          if (y <= x || livesY.length === 0) continue;
          const together = (livesX[0] ?? 0) <= (livesY.at(-1) ?? 0) && (livesY[0] ?? 0) <= (livesX.at(-1) ?? 0);
          if (together) expect(overlap(x, y)).toBe(false);
        }
      }
    }),
  );
});
