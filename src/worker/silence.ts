/** Whether the coordinator has been silent for too long: a pure decision. Times in seconds of one steady clock. */
import { type ClockReading, judgeStandstill, putOff } from '../shared/core/standstill.ts';

export interface Silence {
  /** When the coordinator was last heard; later by the time in which nobody listened. */
  readonly lastHeard: number;
  /** When this was last asked. */
  readonly asked: ClockReading;
}

export type SilenceDecision =
  /** `stoodStill`: seconds for which this process did not listen; mostly 0. */
  | { readonly kind: 'wait'; readonly silence: Silence; readonly stoodStill: number }
  | { readonly kind: 'lost'; readonly seconds: number };

/** Asked once a period. */
export function judgeSilence(
  { lastHeard, asked }: Silence,
  look: ClockReading,
  { periodMs, limitMs }: { readonly periodMs: number; readonly limitMs: number },
): SilenceDecision {
  const stoodStill = judgeStandstill(asked, look, periodMs);
  const heard = putOff(lastHeard, stoodStill, look.now);
  const seconds = look.now - heard;
  if (seconds * 1000 > limitMs) return { kind: 'lost', seconds };
  return { kind: 'wait', silence: { lastHeard: heard, asked: look }, stoodStill };
}
