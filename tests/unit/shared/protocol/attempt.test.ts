import { describe, expect, it } from 'vitest';
import { isBefore, isSameAttempt, keyOf } from '../../../../src/shared/protocol/attempt.ts';

describe('an attempt', () => {
  const attempt = { generation: 1, step: 11, attempt: 2 };
  const others = [
    { ...attempt, generation: 2 },
    { ...attempt, step: 1 },
    { ...attempt, attempt: 1 },
    // The same digits, one after another.
    { generation: 11, step: 1, attempt: 2 },
    { generation: 1, step: 1, attempt: 12 },
  ];

  it('is the same only if generation, step and number are', () => {
    expect(isSameAttempt(attempt, { ...attempt })).toBe(true);
    for (const other of others) expect(isSameAttempt(attempt, other)).toBe(false);
  });

  it('has a key of its own in maps', () => {
    expect(keyOf({ ...attempt })).toBe(keyOf(attempt));
    expect(new Set([attempt, ...others].map(keyOf)).size).toBe(1 + others.length);
  });

  it.each([
    [{ generation: 2, step: 0, attempt: 0 }, false],
    [{ generation: 1, step: 12, attempt: 0 }, false],
    [{ generation: 1, step: 11, attempt: 3 }, false],
    [attempt, false],
    [{ generation: 1, step: 11, attempt: 1 }, true],
    [{ generation: 1, step: 10, attempt: 5 }, true],
    [{ generation: 0, step: 99, attempt: 9 }, true],
  ])('has others before it, by generation, step and number: %o', (other, isEarlier) => {
    expect(isBefore(other, attempt)).toBe(isEarlier);
  });
});
