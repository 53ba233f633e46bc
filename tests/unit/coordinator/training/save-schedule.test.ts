import { describe, expect, it } from 'vitest';
import { createSaveSchedule } from '../../../../src/coordinator/training/save-schedule.ts';
import { createVirtualTime } from '../../../support/virtual-time.ts';

describe('a checkpoint is due', () => {
  it.each([
    [0, 500],
    [1, 500],
    [499, 500],
    [500, 1000],
    [1234, 1500],
  ])('after step %i at the next multiple, wherever a run was resumed', (step, next) => {
    const time = createVirtualTime();
    const schedule = createSaveSchedule(500, time.clock);
    time.advance(1e9);
    expect([schedule.nextStep(step), schedule.isDue()]).toEqual([next, false]);
  });

  it('so many seconds after the one before', () => {
    const time = createVirtualTime();
    const schedule = createSaveSchedule('30s', time.clock);
    const dueAfter = (ms: number) => {
      time.advance(ms);
      return schedule.isDue();
    };
    expect([dueAfter(29_999), dueAfter(1), dueAfter(1)]).toEqual([false, true, true]);
    schedule.saved();
    expect([dueAfter(29_999), dueAfter(1)]).toEqual([false, true]);
    expect(schedule.nextStep(3)).toBe(Number.POSITIVE_INFINITY);
  });

  it('never within an epoch, unless that was asked for', () => {
    const time = createVirtualTime();
    const schedule = createSaveSchedule(undefined, time.clock);
    time.advance(1e12);
    expect([schedule.nextStep(3), schedule.isDue()]).toEqual([Number.POSITIVE_INFINITY, false]);
  });
});
