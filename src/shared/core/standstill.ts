/**
 * Notices that this process stood still: it was suspended (Ctrl-Z, a paused container, a closed lid), or computed without a
 * pause. Whatever others said meanwhile is not read yet, so that time counts against nobody: moments from which somebody's
 * time runs are put off by it.
 */
import type { Clock } from './clock.ts';

export interface ClockReading {
  readonly now: number;
  readonly unixMs: number;
}

/**
 * A process that looks once a period, and looks much later than that, stood still in between. Where a host sleeps its
 * steady clock may sleep as well (Linux's does), and only the wall clock tells.
 * @returns the seconds since the last look, if it stood still; otherwise 0
 */
export function judgeStandstill(last: ClockReading, look: ClockReading, periodMs: number): number {
  const passed = Math.max(look.now - last.now, (look.unixMs - last.unixMs) / 1000);
  return passed * 1000 > 2 * periodMs ? passed : 0;
}

/** A moment from which somebody's time runs, after this process stood still for so many seconds. */
export function putOff(since: number, seconds: number, now: number): number {
  return Math.min(now, since + seconds);
}

export interface StandstillWatch {
  /** Must be called once a period at least. @returns as `judgeStandstill` */
  look(): number;
}

export function watchStandstill(clock: Clock, periodMs: number): StandstillWatch {
  const read = (): ClockReading => ({ now: clock.now(), unixMs: clock.unixMs() });
  let last = read();
  return {
    look() {
      const look = read();
      const seconds = judgeStandstill(last, look, periodMs);
      last = look;
      return seconds;
    },
  };
}

export function describeStandstill(seconds: number): string {
  const what = `this process was suspended, or got no processor, for ${seconds.toFixed(1)} s`;
  return `${what}; that time counts against nobody`;
}
