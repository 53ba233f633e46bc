import { describe, expect, it } from 'vitest';
import { createReceivedSlots } from '../../../../src/shared/transport/received-slots.ts';

const step = (number: number) => ({ generation: 1, step: number, attempt: 0 });
const figures = [0, 8, 1.5, 6, 1, 0.25];

function receivedSlots() {
  const slots = createReceivedSlots();
  slots.follow([0, 1].map((slot) => ({ slot, from: 0, to: 5 })));
  return slots;
}

/** Vectors of five floats, of which those of step 4 have come whole and are not complete yet. */
function receive() {
  const slots = receivedSlots();
  expect(slots.take(0, step(4), 3, Float32Array.of(4, 5))).toBeUndefined();
  expect(slots.take(0, step(4), 0, Float32Array.of(1, 2, 3))).toBeUndefined();
  const readAll = (slot: number) => {
    const target = new Float32Array(5);
    slots.read(slot, 0, target);
    return [...target];
  };
  return { slots, readAll };
}

describe('a vector that is received', () => {
  it('is published when its writer says so, and not before', () => {
    const { slots, readAll } = receive();
    expect(slots.published(0)).toBeUndefined();
    expect(slots.complete(0, { attempt: step(4), figures })).toBeUndefined();
    expect(slots.published(0)).toEqual({ attempt: step(4), figures });
    expect(slots.published(1)).toBeUndefined();
    expect(readAll(0)).toEqual([1, 2, 3, 4, 5]);
    const middle = new Float32Array(2);
    slots.read(0, 2, middle);
    expect([...middle]).toEqual([3, 4]);
  });

  it('stays published while that of the next step comes, and until that of the one after begins', () => {
    const { slots, readAll } = receive();
    slots.complete(0, { attempt: step(4), figures });
    slots.take(1, step(5), 0, Float32Array.of(9));
    expect([slots.published(0)?.attempt, readAll(0)]).toEqual([step(4), [1, 2, 3, 4, 5]]);
    slots.take(0, step(6), 0, Float32Array.of(7));
    expect(slots.published(0)).toBeUndefined();
  });

  it('stays published when it is sent again, as after a broken connection', () => {
    const { slots, readAll } = receive();
    slots.complete(0, { attempt: step(4), figures });
    slots.take(0, step(4), 3, Float32Array.of(4, 5));
    expect([slots.published(0)?.attempt, readAll(0)]).toEqual([step(4), [1, 2, 3, 4, 5]]);
  });

  it('stays as it is where others keep something by now, when a part of it is sent again', () => {
    const place = new Float32Array(2);
    const slots = createReceivedSlots();
    slots.follow([{ slot: 0, from: 0, to: 2, place }]);
    slots.take(0, step(4), 0, Float32Array.of(1));
    place[0] = 7;
    slots.take(0, step(4), 0, Float32Array.of(1));
    expect([...place]).toEqual([7, 0]);
    slots.take(0, step(5), 0, Float32Array.of(1));
    expect([...place]).toEqual([1, 0]);
  });

  it('is not kept where it is used as it comes, and is there all the same', () => {
    const used: unknown[] = [];
    const place = Float32Array.of(8, 8, 8);
    const slots = createReceivedSlots();
    const use = (...found: readonly unknown[]) => used.push(found) === 1;
    slots.follow([{ slot: 0, from: 2, to: 5, place, use }]);
    slots.take(0, step(4), 2, Float32Array.of(1, 2));
    slots.take(0, step(4), 2, Float32Array.of(1, 2));
    slots.take(0, step(4), 4, Float32Array.of(3));
    expect(used).toEqual([
      [step(4), 2, Float32Array.of(1, 2)],
      [step(4), 4, Float32Array.of(3)],
    ]);
    expect([...place]).toEqual([8, 8, 3]);
    expect(slots.holds({ slot: 0, from: 2, to: 5 }, step(4))).toBe(true);
    expect(slots.complete(0, { attempt: step(4), figures })).toBeUndefined();
  });

  it('may be followed around what is not needed of it', () => {
    const [first, last] = [new Float32Array(1), new Float32Array(2)];
    const slots = createReceivedSlots();
    slots.follow([
      { slot: 0, from: 0, to: 1, place: first },
      { slot: 0, from: 3, to: 5, place: last },
    ]);
    expect(slots.take(0, step(4), 2, Float32Array.of(1, 2))).toBe(
      'floats 2 to 4 of a part from 0 to 1 and from 3 to 5',
    );
    slots.take(0, step(4), 3, Float32Array.of(8, 9));
    expect(slots.complete(0, { attempt: step(4), figures })).toBe('a vector of which 2 floats have come, of 3');
    slots.take(0, step(4), 0, Float32Array.of(7));
    expect(slots.complete(0, { attempt: step(4), figures })).toBeUndefined();
    expect([...first, ...last]).toEqual([7, 8, 9]);
    const target = new Float32Array(1);
    slots.read(0, 4, target);
    expect([...target]).toEqual([9]);
    expect(() => slots.read(0, 2, target)).toThrow('floats 2 to 3 of slot 0 are read and not followed');
  });

  it('is not taken for complete where a part is missing, though another came twice', () => {
    const slots = receivedSlots();
    slots.take(0, step(4), 0, Float32Array.of(1, 2, 3));
    slots.take(0, step(4), 0, Float32Array.of(1, 2, 3));
    expect(slots.complete(0, { attempt: step(4), figures })).toBe('a vector of which 3 floats have come, of 5');
    expect(slots.published(0)).toBeUndefined();
  });

  it('has nothing of another attempt at the step', () => {
    const { slots } = receive();
    slots.take(0, { ...step(4), attempt: 1 }, 0, Float32Array.of(1));
    expect(slots.complete(0, { attempt: { ...step(4), attempt: 1 }, figures })).toBe(
      'a vector of which 1 floats have come, of 5',
    );
    expect(slots.complete(0, { attempt: step(4), figures })).toBe('a vector that has not come');
    expect(slots.complete(1, { attempt: step(5), figures })).toBe('a vector that has not come');
  });

  it.each([
    [0, 6, 'floats 0 to 6 of a part from 0 to 5'],
    [4, 2, 'floats 4 to 6 of a part from 0 to 5'],
    [2 ** 40, 1, `floats ${2 ** 40} to ${2 ** 40 + 1} of a part from 0 to 5`],
    [1, 0, 'floats 1 to 1 of a part from 0 to 5'],
  ])('does not take parts that are not in it: %s and %s more', (from, length, problem) => {
    const { slots, readAll } = receive();
    expect(slots.take(0, step(4), from, new Float32Array(length))).toBe(problem);
    expect(readAll(0)).toEqual([1, 2, 3, 4, 5]);
  });

  it('has as many figures as it must', () => {
    const { slots } = receive();
    expect(slots.complete(0, { attempt: step(4), figures: [1, 2, 3, 4] })).toBe('4 figures, expected 6');
  });

  it('is of the part that is followed, and is received where it is wanted', () => {
    const place = new Float32Array(2);
    const slots = createReceivedSlots();
    slots.follow([{ slot: 1, from: 2, to: 4, place }]);
    expect(slots.take(1, step(4), 1, Float32Array.of(1, 2))).toBe('floats 1 to 3 of a part from 2 to 4');
    expect(slots.take(0, step(4), 2, Float32Array.of(1))).toBe('floats 2 to 3 of slot 0, which nobody follows');
    expect(slots.complete(0, { attempt: step(4), figures })).toBe('a vector in slot 0, which nobody follows');
    expect(slots.take(1, step(4), 2, Float32Array.of(7, 8))).toBeUndefined();
    expect([...place]).toEqual([7, 8]);
    expect(slots.complete(1, { attempt: step(4), figures })).toBeUndefined();
    slots.read(1, 3, place.subarray(1));
    expect([...place]).toEqual([7, 8]);
    const elsewhere = new Float32Array(1);
    slots.read(1, 3, elsewhere);
    expect([...elsewhere]).toEqual([8]);
    // At the beginning of the same memory, but not where it is.
    slots.read(1, 3, place.subarray(0, 1));
    expect([...place]).toEqual([8, 8]);
  });

  it('is complete without a message of its own where nothing of it is followed', () => {
    const slots = createReceivedSlots();
    slots.follow([{ slot: 0, from: 3, to: 3 }]);
    expect(slots.complete(0, { attempt: step(4), figures })).toBeUndefined();
    expect(slots.published(0)?.attempt).toEqual(step(4));
    expect(slots.complete(0, { attempt: step(5), figures })).toBeUndefined();
    expect(slots.published(0)?.attempt).toEqual(step(5));
  });

  it('can be read in part before it is complete: what has come of the attempt', () => {
    const slots = receivedSlots();
    slots.take(0, step(4), 1, Float32Array.of(2));
    slots.take(0, step(4), 2, Float32Array.of(3, 4));
    const held = ([from, to]: readonly [number, number], of = step(4)) => slots.holds({ slot: 0, from, to }, of);
    expect([held([1, 2]), held([1, 4]), held([2, 4])]).toEqual([true, true, true]);
    expect([held([0, 4]), held([1, 5]), held([4, 5])]).toEqual([false, false, false]);
    expect([held([1, 2], step(6)), slots.holds({ slot: 1, from: 1, to: 2 }, step(4))]).toEqual([false, false]);
    slots.take(0, step(6), 4, Float32Array.of(9));
    expect([held([1, 2]), held([4, 5], step(6))]).toEqual([false, true]);
  });
});
