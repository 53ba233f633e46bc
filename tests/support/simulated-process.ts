/** A process in virtual time, which can be frozen and killed: what it was to do is held back then, or never happens. */
import type { Clock } from '../../src/shared/core/clock.ts';
import type { Timers } from '../../src/shared/core/timers.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface SimulatedProcess {
  /** It goes on while the process is frozen. */
  readonly clock: Clock;
  readonly timers: Timers;
  /** Does something in the process: now, or when it is no longer frozen; never once it is killed. */
  run(task: () => void): void;
  freeze(): void;
  /** What was held back happens at once, in order. */
  thaw(): void;
  kill(): void;
  isAlive(): boolean;
  isFrozen(): boolean;
  /** Timers that are still set. */
  pending(): number;
}

export function createSimulatedProcess({ clock, timers }: Pick<VirtualTime, 'clock' | 'timers'>): SimulatedProcess {
  let [alive, frozen] = [true, false];
  let held: (() => void)[] = [];
  const timersSet = new Set<object>();

  function run(task: () => void): void {
    if (!alive) return;
    if (frozen) held.push(task);
    else task();
  }

  /** @param periodic a timer that is late runs once, however many periods have passed */
  function set(start: (task: () => void) => () => void, task: () => void, periodic: boolean): () => void {
    const timer = {};
    let isHeld = false;
    timersSet.add(timer);
    const stop = start(() => {
      if (isHeld) return;
      isHeld = true;
      run(() => {
        isHeld = false;
        if (!timersSet.has(timer)) return;
        if (!periodic) timersSet.delete(timer);
        task();
      });
    });
    return () => {
      timersSet.delete(timer);
      stop();
    };
  }

  return {
    clock,
    timers: {
      after: (delayMs, task) => set((due) => timers.after(delayMs, due), task, false),
      every: (periodMs, task) => set((due) => timers.every(periodMs, due), task, true),
    },
    run,
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      const tasks = held;
      held = [];
      for (const task of tasks) run(task);
    },
    kill() {
      alive = false;
      held = [];
      timersSet.clear();
    },
    isAlive: () => alive,
    isFrozen: () => frozen,
    pending: () => timersSet.size,
  };
}
