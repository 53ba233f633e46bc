/** Watches over a coordinator that is to be heard again and again: once a heartbeat it is judged how long it has been silent. */
import type { Clock } from '../shared/core/clock.ts';
import { type Deadlines, deadlinesFrom } from '../shared/core/deadlines.ts';
import type { ClockReading } from '../shared/core/standstill.ts';
import type { Timers } from '../shared/core/timers.ts';
import { judgeSilence, type Silence } from './silence.ts';

export interface SilenceWatch {
  /** The coordinator was heard just now. */
  heard(): void;
  /** Judges the silence now, besides once a heartbeat. */
  judge(): void;
  /** For how long the coordinator may be silent, in ms. */
  patienceMs(): number;
  /** From now on the deadlines are those of a run. */
  keepTo(timeoutSeconds: number): void;
  /** The sleep from which this process woke just now, in seconds, if it did. */
  recentSleep(): number | undefined;
  stop(): void;
}

export interface SilenceWatchOptions {
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The coordinator may be silent for as long as it likes. */
  readonly isPatient: boolean;
  /** Called once a heartbeat, before the silence is judged. */
  readonly onBeat: () => void;
  /** The coordinator has been silent for so many seconds, which is too long. */
  readonly onLost: (seconds: number) => void;
  /** This process did not listen for so many seconds, long enough for the coordinator to give it up. */
  readonly onStoodStill: (seconds: number) => void;
}

export function watchSilence(options: SilenceWatchOptions): SilenceWatch {
  const { clock, timers, isPatient, onBeat, onLost, onStoodStill } = options;
  const look = (): ClockReading => ({ now: clock.now(), unixMs: clock.unixMs() });
  let deadlines: Deadlines = deadlinesFrom(options.timeoutSeconds);
  let silence: Silence = { lastHeard: clock.now(), asked: look() };
  /** When this process last found that it had stood still, and for how long. */
  let [wokeAt, sleptSeconds] = [Number.NEGATIVE_INFINITY, 0];
  const patienceMs = () => (isPatient ? Number.POSITIVE_INFINITY : deadlines.silenceMs);

  function judge(): void {
    const decision = judgeSilence(silence, look(), { periodMs: deadlines.heartbeatMs, limitMs: patienceMs() });
    if (decision.kind === 'lost') {
      onLost(decision.seconds);
      return;
    }
    silence = decision.silence;
    if (decision.stoodStill * 1000 < deadlines.connectionMs) return;
    [wokeAt, sleptSeconds] = [clock.now(), decision.stoodStill];
    onStoodStill(sleptSeconds);
  }

  function beat(): void {
    onBeat();
    judge();
  }

  let stop = timers.every(deadlines.heartbeatMs, beat);
  return {
    heard() {
      silence = { ...silence, lastHeard: clock.now() };
    },
    judge,
    patienceMs,
    keepTo(timeoutSeconds) {
      deadlines = deadlinesFrom(timeoutSeconds);
      stop();
      silence = { ...silence, asked: look() };
      stop = timers.every(deadlines.heartbeatMs, beat);
    },
    recentSleep: () => ((clock.now() - wokeAt) * 1000 < deadlines.connectionMs ? sleptSeconds : undefined),
    stop: () => stop(),
  };
}
