import { describe, expect, it } from 'vitest';
import { callAtSteadySecond, createDelayLine, steadySeconds } from '../../../../src/bench/all-reduce/delay-line.ts';
import { createVirtualTime } from '../../../support/virtual-time.ts';

function openLine(delaySeconds: number) {
  const time = createVirtualTime();
  const { now } = time.clock;
  const began = now();
  const gone: [string, number][] = [];
  const line = createDelayLine<string>({
    delaySeconds,
    now,
    callAt: (seconds, task) => void time.timers.after(1000 * (seconds - now()), task),
    deliver: (item) => gone.push([item, Math.round(1000 * (now() - began))]),
  });
  return { time, line, gone };
}

describe('a delay line', () => {
  it('holds each for the same time, however many are held', () => {
    const { time, line, gone } = openLine(0.01);
    line.push('a');
    time.advance(3);
    line.push('b');
    line.push('c');
    time.advance(4);
    line.push('d');
    time.advance(100);
    line.push('e');
    time.advance(100);
    expect(gone).toEqual([
      ['a', 10],
      ['b', 13],
      ['c', 13],
      ['d', 17],
      ['e', 117],
    ]);
    expect(time.pending()).toBe(0);
  });

  it('lets nothing go within the call, even where it holds nothing back', () => {
    const { time, line, gone } = openLine(0);
    line.push('a');
    expect(gone).toEqual([]);
    time.advance(0);
    expect(gone).toEqual([['a', 0]]);
  });
});

it.each([-1, 0, 0.0003, 0.0014, 0.0065])('a task is never called before its moment, %f s from now', async (seconds) => {
  const moment = steadySeconds() + seconds;
  await new Promise<void>((resolve) => callAtSteadySecond(moment, resolve));
  expect(steadySeconds()).toBeGreaterThanOrEqual(moment);
});
