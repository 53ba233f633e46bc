/** What broke off the work of a run, and what that cost. Pure. */
import { secondsPerHour } from '../ledger/cost.ts';

/**
 * Why a worker was lost:
 * - killed: its process was ended by a signal
 * - exited: its process ended by itself, without a word
 * - left: it said that it leaves, as after a Ctrl-C of its own
 * - failed: it said that it cannot go on
 * - unreachable: its connection is gone
 * - stuck: it is alive and does not answer
 * - misbehaved: it sent what no worker sends
 */
export const lossCauses = ['killed', 'exited', 'left', 'failed', 'unreachable', 'stuck', 'misbehaved'] as const;
export type LossCause = (typeof lossCauses)[number];

/**
 * Besides losses:
 * - drained: it left after the step in flight, as it was told to
 * - dropped: it was too slow, and was told to leave after the step in flight (`--drop-stragglers`)
 * - preempted: lost or drained after the notice that its machine is taken away (`--simulate-preemptions`)
 * - desync: its replica differed from the others, and was given their state
 * - coordinator: not a worker, but the coordinator ended without a word, and the run was resumed
 */
export const interruptionReasons = [...lossCauses, 'drained', 'dropped', 'preempted', 'desync', 'coordinator'] as const;
export type InterruptionReason = (typeof interruptionReasons)[number];

/** Stands for the worker in an interruption by the coordinator. */
export const coordinatorId = 'coordinator';

/**
 * An interruption that is over: a member stopped being one while the run trained, or was healed, or the coordinator was
 * lost.
 */
export interface Interruption {
  /** `coordinator` where the reason is. */
  readonly workerId: string;
  readonly reason: InterruptionReason;
  /** Committed steps when it happened. */
  readonly step: number;
  /** From the last committed step, or part of a test pass, to the next one; undefined where the run ended before that. */
  readonly recoverySeconds: number | undefined;
  /** Time of all workers together that the ledger booked as wasted or idle because of it. */
  readonly wastedSeconds: number;
  /** Cost of that time, each second at the price of its worker. */
  readonly wastedUsd: number;
  /** Committed steps that nobody had any more, and that were trained again. */
  readonly lostSteps: number;
}

/** As files and `--json` have it. */
export function interruptionFields(interruption: Interruption) {
  const { workerId, reason, step, recoverySeconds, wastedSeconds, wastedUsd, lostSteps } = interruption;
  return {
    worker_id: workerId,
    reason,
    step,
    recovery_seconds: recoverySeconds,
    wasted_seconds: wastedSeconds,
    wasted_usd: wastedUsd,
    lost_steps: lostSteps,
  };
}

/**
 * What a worker's hour of useful work costs, in USD: all that the run cost, over the hours in which workers computed steps
 * that stayed. It is the list price divided by the fraction of the time that was such work.
 * @returns undefined before there was any, and for a run that costs nothing
 */
export function effectiveUsdPerHour(usd: number, computeSeconds: number): number | undefined {
  return usd > 0 && computeSeconds > 0 ? (usd * secondsPerHour) / computeSeconds : undefined;
}
