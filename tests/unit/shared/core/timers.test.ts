import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemTimers } from '../../../../src/shared/core/timers.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('calls a task once after its delay, unless it is cancelled before', () => {
  const [task, cancelled] = [vi.fn(), vi.fn()];
  const cancel = systemTimers.after(100, cancelled);
  systemTimers.after(100, task);
  vi.advanceTimersByTime(99);
  expect(task).not.toHaveBeenCalled();
  cancel();
  cancel();
  vi.advanceTimersByTime(1000);
  expect(task).toHaveBeenCalledTimes(1);
  expect(cancelled).not.toHaveBeenCalled();
});

it('calls a task every period, the first time one period from now, until it is ended', () => {
  const task = vi.fn();
  const end = systemTimers.every(100, task);
  vi.advanceTimersByTime(350);
  expect(task).toHaveBeenCalledTimes(3);
  end();
  end();
  vi.advanceTimersByTime(1000);
  expect(task).toHaveBeenCalledTimes(3);
});
