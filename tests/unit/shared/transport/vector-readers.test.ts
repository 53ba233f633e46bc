import { describe, expect, it } from 'vitest';
import { maxProbedFloats } from '../../../../src/shared/protocol/limits.ts';
import { createVectorReaders } from '../../../../src/shared/transport/vector-readers.ts';

const whole = [{ slot: 0, from: 0, to: 10 }];
const half = [{ slot: 0, from: 0, to: 5 }];

describe('the readers of vectors', () => {
  it('read what they have asked for last, in the generation that they have asked for', () => {
    const readers = createVectorReaders<string>();
    readers.subscribe('a', 3, whole);
    readers.subscribe('a', 3, half);
    readers.subscribe('b', 4, whole);
    expect(readers.readingIn(3)).toEqual([['a', half]]);
    // The other one has left generation 3 by then.
    expect(readers.readingIn(4)).toEqual([['b', whole]]);
    expect(readers.readingIn(3)).toEqual([]);
    readers.forget('b');
    expect(readers.readingIn(4)).toEqual([]);
  });

  it('may each ask for so many floats in a generation, whatever else they ask for', () => {
    const readers = createVectorReaders<string>();
    expect(readers.mayProbe('a', 0)).toBe(false);
    readers.subscribe('a', 3, []);
    readers.subscribe('b', 3, []);
    expect(readers.mayProbe('a', maxProbedFloats + 1)).toBe(false);
    expect(readers.mayProbe('a', maxProbedFloats)).toBe(true);
    readers.subscribe('a', 3, whole);
    readers.subscribe('a', 2, whole);
    expect([readers.mayProbe('a', 1), readers.mayProbe('b', 1)]).toEqual([false, true]);
    readers.subscribe('a', 4, whole);
    expect(readers.mayProbe('a', maxProbedFloats)).toBe(true);
  });

  it('may not ask without end for nothing either', () => {
    const readers = createVectorReaders<string>();
    readers.subscribe('a', 3, []);
    let answers = 0;
    while (readers.mayProbe('a', 0)) answers += 1;
    expect(answers).toBe(maxProbedFloats / 64);
  });
});
