import { describe, expect, it } from 'vitest';
import { createShownSlots, partsFor, type Shown } from '../../../../src/shared/transport/shown-slots.ts';

const step = (number: number, generation = 1) => ({ generation, step: number, attempt: 0 });
const figures = [0, 8, 1.5, 6, 1, 0.25];

describe('a vector that is shown', () => {
  it('is all there to be sent again: parts as they were written, and the publication last', () => {
    const slots = createShownSlots(4);
    slots.begin(0, step(4));
    slots.write(0, 2, Float32Array.of(3, 4));
    slots.write(0, 0, Float32Array.of(1, 2));
    slots.publish(0, { attempt: step(4), figures });
    slots.begin(1, step(5));
    slots.write(1, 0, Float32Array.of(7));
    expect(slots.everything()).toEqual([
      { kind: 'values', slot: 0, attempt: step(4), from: 2, values: Float32Array.of(3, 4) },
      { kind: 'values', slot: 0, attempt: step(4), from: 0, values: Float32Array.of(1, 2) },
      { kind: 'published', slot: 0, publication: { attempt: step(4), figures } },
      { kind: 'values', slot: 1, attempt: step(5), from: 0, values: Float32Array.of(7) },
    ]);
  });

  it('is gone once its slot is begun again', () => {
    const slots = createShownSlots(1);
    slots.begin(0, step(4));
    slots.write(0, 0, Float32Array.of(1));
    slots.publish(0, { attempt: step(4), figures });
    slots.begin(0, step(6));
    expect(slots.everything()).toEqual([]);
  });

  it('is a copy: its writer goes on computing in the same memory', () => {
    const slots = createShownSlots(2);
    const gradient = Float32Array.of(1, 2);
    slots.begin(0, step(4));
    const shown = slots.write(0, 0, gradient);
    gradient.fill(9);
    expect(shown).toMatchObject({ values: Float32Array.of(1, 2) });
  });

  it('never changes once another generation has begun, however late it leaves', () => {
    const slots = createShownSlots(1);
    slots.begin(0, step(4));
    const late = slots.write(0, 0, Float32Array.of(1));
    slots.begin(1, step(5, 2));
    expect(slots.everything()).toEqual([]);
    slots.begin(0, step(4, 2));
    slots.write(0, 0, Float32Array.of(9));
    expect(late).toEqual({ kind: 'values', slot: 0, attempt: step(4), from: 0, values: Float32Array.of(1) });
  });

  it('takes no further memory within a generation', () => {
    const slots = createShownSlots(1);
    slots.begin(0, step(4));
    const first = slots.write(0, 0, Float32Array.of(1));
    slots.begin(0, step(6));
    const second = slots.write(0, 0, Float32Array.of(2));
    if (first.kind !== 'values' || second.kind !== 'values') throw new Error('both are values');
    expect(second.values.buffer).toBe(first.values.buffer);
  });

  it('is begun before it is written', () => {
    expect(() => createShownSlots(1).write(0, 0, Float32Array.of(1))).toThrow('a slot is written before it is begun');
  });

  it('is not copied where its values stay as they are', () => {
    const slots = createShownSlots(2);
    const sum = Float32Array.of(1, 2);
    slots.begin(0, step(4));
    const shown = slots.lend(0, 0, sum);
    if (shown.kind !== 'values') throw new Error('it is values');
    expect(shown.values).toBe(sum);
    expect(slots.everything()).toEqual([shown]);
  });
});

describe('a part of a vector', () => {
  const values: Shown = { kind: 'values', slot: 1, attempt: step(4), from: 10, values: Float32Array.of(1, 2, 3, 4) };
  const published: Shown = { kind: 'published', slot: 1, publication: { attempt: step(4), figures } };
  const cut = (from: number, to: number) => partsFor(values, [{ slot: 1, from, to }]);

  it.each([
    [0, 20, 10, [1, 2, 3, 4]],
    [10, 14, 10, [1, 2, 3, 4]],
    [11, 13, 11, [2, 3]],
    [0, 11, 10, [1]],
    [13, 20, 13, [4]],
  ])('is sent to whoever follows it: from %i to %i', (from, to, first, expected) => {
    expect(cut(from, to)).toEqual([{ ...values, from: first, values: Float32Array.from(expected) }]);
  });

  it('is sent to whoever follows what is around it, without what is between', () => {
    const around = [
      { slot: 1, from: 0, to: 11 },
      { slot: 1, from: 13, to: 20 },
    ];
    expect(partsFor(values, around)).toEqual([...cut(0, 11), ...cut(13, 20)]);
  });

  it('is not sent to others, who are told of the vectors that they follow', () => {
    for (const [from, to] of [
      [0, 10],
      [14, 20],
      [12, 12],
    ] as const) {
      expect(cut(from, to)).toEqual([]);
    }
    const part = { slot: 1, from: 0, to: 0 };
    expect(partsFor(published, [{ ...part, slot: 0 }, part, { ...part, from: 12, to: 14 }])).toEqual([published]);
    for (const parts of [[], [{ ...part, slot: 0 }]]) {
      expect([partsFor(published, parts), partsFor(values, parts)]).toEqual([[], []]);
    }
  });
});
