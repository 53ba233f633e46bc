/**
 * What each interruption of a run costs: a pure reducer over the run's events and what the ledger has booked as wasted or
 * idle. An interruption begins when a member stops being one, or is healed, or where a coordinator that was lost is resumed.
 * It is over when the next generation has got something done, a step or a part of a test pass, and has trained again what was
 * lost. Recovery counts from the last work that was done before, since a worker that freezes is known to be lost only when its
 * deadline has passed.
 */
import type { Account } from '../../economics/ledger/ledger.ts';
import { coordinatorId, type Interruption, type InterruptionReason } from '../../economics/record/interruption.ts';
import { sumOf } from '../../shared/core/sums.ts';
import type { CutOff, RunEvent } from '../run-events.ts';

/** Booked time of all workers that came to nothing: wasted, or idle. It never falls. */
export interface Waste {
  readonly seconds: number;
  readonly usd: number;
}

interface OpenInterruption {
  readonly workerId: string;
  /** Undefined while only its process is known to have ended: nobody has said yet whether the run misses it. */
  readonly reason: InterruptionReason | undefined;
  readonly step: number;
  /** When the run last got something done. */
  readonly at: number;
  readonly wasted: Waste;
  /** Another generation has begun. */
  readonly isGoingOn: boolean;
  readonly recoverySeconds: number | undefined;
  readonly lostSteps: number;
  /** What was lost has been trained again once so many steps are committed. */
  readonly caughtUpAt: number;
}

export interface Interruptions {
  readonly members: ReadonlySet<string>;
  /** Workers that were told that their machine will be taken away. */
  readonly noticed: ReadonlySet<string>;
  readonly open: readonly OpenInterruption[];
  /** What was booked up to now has been given to the interruptions that were open. */
  readonly marked: Waste;
  /** When the present generation began. */
  readonly generationBegan: { readonly at: number; readonly waste: Waste };
  /** When the run last got something done; undefined before it did. */
  readonly progressAt: number | undefined;
  /** Committed steps. */
  readonly step: number;
}

/** What was booked before and after the ledger took in the event. */
export interface BookedWaste {
  readonly before: Waste;
  readonly after: Waste;
}

export interface InterruptionStep {
  readonly state: Interruptions;
  /** Those that are over now. */
  readonly over: readonly Interruption[];
}

export const nothingWasted: Waste = { seconds: 0, usd: 0 };

/** What these accounts have, of all workers together. */
export function wasteOf(accounts: readonly Pick<Account, 'seconds' | 'usd'>[]): Waste {
  return {
    seconds: sumOf(accounts.map(({ seconds }) => seconds.wasted + seconds.idle)),
    usd: sumOf(accounts.map(({ usd }) => usd.wasted + usd.idle)),
  };
}

export const noInterruptions: Interruptions = {
  members: new Set(),
  noticed: new Set(),
  open: [],
  marked: nothingWasted,
  generationBegan: { at: 0, waste: nothingWasted },
  progressAt: undefined,
  step: 0,
};

/** @param now seconds of the run's clock */
export function advanceInterruptions(
  known: Interruptions,
  event: RunEvent,
  { before, after }: BookedWaste,
  now: number,
): InterruptionStep {
  const state = shareOut(known, before);
  switch (event.type) {
    case 'resumed':
      return { state: beginWithoutCoordinator({ ...state, step: event.step }, event.cutOffs ?? []), over: [] };
    case 'went-on':
      return { state: goOn(state, event.step), over: [] };
    case 'worker-preempted':
      return { state: { ...state, noticed: new Set(state.noticed).add(event.workerId) }, over: [] };
    case 'generation': {
      const members = new Set(event.members.map(({ workerId }) => workerId));
      const open = state.open.map((one) => ({ ...one, isGoingOn: one.reason !== undefined }));
      return { state: { ...state, members, open, generationBegan: { at: now, waste: before } }, over: [] };
    }
    case 'worker-ended':
      return { state: begin(state, event.workerId, undefined, after), over: [] };
    case 'worker-lost':
      return { state: begin(state, event.workerId, event.cause, after), over: [] };
    case 'worker-drained':
      return { state: begin(state, event.workerId, event.dropped === true ? 'dropped' : 'drained', after), over: [] };
    case 'healed':
      return { state: beginHealing(state, event.workerId), over: [] };
    case 'rolled-back':
      return { state: rollBack(state, event), over: [] };
    case 'step': {
      // A step of an earlier generation was trained while the coordinator was gone.
      const worked = event.generation === undefined ? progress(state, now) : state;
      return { state: { ...worked, step: event.step + 1 }, over: [] };
    }
    // A part of a test pass is work too, and so is a checkpoint; the end of an aborted attempt is not, nor what was trained
    // before it.
    case 'spent':
      return end(shareOut(event.redone || event.late === true ? state : progress(state, now), after), isOver);
    case 'ended':
      return end(
        shareOut(event.status === 'completed' ? progress(state, now) : state, after),
        ({ reason }) => reason !== undefined,
        { ...noInterruptions, step: state.step, progressAt: state.progressAt },
      );
    default:
      return { state, over: [] };
  }
}

/** What was booked meanwhile is put down to all that were open, in equal parts. */
function shareOut(state: Interruptions, booked: Waste): Interruptions {
  if (state.open.length === 0) return state.marked === booked ? state : { ...state, marked: booked };
  const part = scaled(grownBy(state.marked, booked), 1 / state.open.length);
  return { ...state, marked: booked, open: state.open.map((one) => ({ ...one, wasted: added(one.wasted, part) })) };
}

/** A member is gone. What its account was closed with is put down to it alone. */
function begin(
  state: Interruptions,
  workerId: string,
  told: InterruptionReason | undefined,
  booked: Waste,
): Interruptions {
  const noticed = new Set(state.noticed);
  const wasNoticed = told !== undefined && noticed.delete(workerId);
  const reason = wasNoticed ? 'preempted' : told;
  const pending = state.open.findIndex((one) => one.workerId === workerId && one.reason === undefined);
  if (pending >= 0) {
    const open = state.open.map((one, index) => (index === pending ? { ...one, reason } : one));
    return { ...state, noticed, open };
  }
  if (!state.members.has(workerId)) return { ...state, noticed };
  const members = new Set(state.members);
  members.delete(workerId);
  const begun = newInterruption(state, workerId, reason, grownBy(state.marked, booked));
  return { ...state, members, noticed, open: [...state.open, begun], marked: booked };
}

/** The attempt in which the replicas differed ended the generation before: its time is booked since this one began. */
function beginHealing(state: Interruptions, workerId: string): Interruptions {
  const isFirst = state.open.length === 0;
  const wasted = isFirst ? grownBy(state.generationBegan.waste, state.marked) : nothingWasted;
  const begun = newInterruption(state, workerId, 'desync', wasted);
  return { ...state, open: [...state.open, { ...begun, isGoingOn: true }] };
}

/** The steps after the one that training goes on from will be trained again. */
function beginWithoutCoordinator(state: Interruptions, cutOffs: readonly CutOff[]): Interruptions {
  const begun = cutOffs.map(({ at, steps, lostSteps = steps - state.step, wasted }) => ({
    ...newInterruption({ ...state, progressAt: at }, coordinatorId, 'coordinator', wasted),
    step: steps,
    lostSteps,
    caughtUpAt: steps,
  }));
  return { ...state, open: [...state.open, ...begun] };
}

/**
 * Workers have kept steps that the checkpoint lacks. What they have not was lost with the last coordinator; or with the worker
 * whose gradient reached nobody who is left, though all had voted for the step.
 */
function goOn(state: Interruptions, step: number): Interruptions {
  const coordinator = state.open.findLastIndex(({ reason }) => reason === 'coordinator');
  const isBack = coordinator < 0 && step < state.step;
  const last = isBack ? state.open.length - 1 : coordinator;
  const open = state.open.map((one, index) => {
    if (index !== last) return one;
    const caughtUpAt = isBack ? state.step : one.caughtUpAt;
    return { ...one, caughtUpAt, lostSteps: Math.max(0, caughtUpAt - step) };
  });
  return { ...state, step, open };
}

function newInterruption(
  { step, progressAt, generationBegan }: Interruptions,
  workerId: string,
  reason: InterruptionReason | undefined,
  wasted: Waste,
): OpenInterruption {
  return {
    workerId,
    reason,
    step,
    at: progressAt ?? generationBegan.at,
    wasted,
    isGoingOn: false,
    recoverySeconds: undefined,
    lostSteps: 0,
    caughtUpAt: 0,
  };
}

/** The last loss left nobody with these steps. */
function rollBack(
  state: Interruptions,
  { step, lostSteps }: Extract<RunEvent, { type: 'rolled-back' }>,
): Interruptions {
  const open = state.open.map((one, index) =>
    index === state.open.length - 1
      ? { ...one, lostSteps: one.lostSteps + lostSteps, caughtUpAt: step + lostSteps }
      : one,
  );
  return { ...state, step, open };
}

/** The run got something done. */
function progress(state: Interruptions, now: number): Interruptions {
  const open = state.open.map((one) =>
    one.isGoingOn ? { ...one, recoverySeconds: one.recoverySeconds ?? now - one.at } : one,
  );
  // Written out, as this is done at every step.
  return {
    members: state.members,
    noticed: state.noticed,
    open,
    marked: state.marked,
    generationBegan: state.generationBegan,
    progressAt: now,
    step: state.step,
  };
}

function isOver({ recoverySeconds, caughtUpAt }: OpenInterruption, { step }: Interruptions): boolean {
  return recoverySeconds !== undefined && step >= caughtUpAt;
}

function end(
  state: Interruptions,
  hasEnded: (one: OpenInterruption, state: Interruptions) => boolean,
  rest: Interruptions = { ...state, open: state.open.filter((one) => !hasEnded(one, state)) },
): InterruptionStep {
  const over = state.open.flatMap((one): readonly Interruption[] => {
    const { workerId, reason, step, recoverySeconds, wasted, lostSteps } = one;
    if (reason === undefined || !hasEnded(one, state)) return [];
    return [
      { workerId, reason, step, recoverySeconds, wastedSeconds: wasted.seconds, wastedUsd: wasted.usd, lostSteps },
    ];
  });
  return { state: rest, over };
}

function added(a: Waste, b: Waste): Waste {
  return { seconds: a.seconds + b.seconds, usd: a.usd + b.usd };
}

/** Rounding must not make it negative. */
export function grownBy(before: Waste, after: Waste): Waste {
  return { seconds: Math.max(0, after.seconds - before.seconds), usd: Math.max(0, after.usd - before.usd) };
}

function scaled({ seconds, usd }: Waste, factor: number): Waste {
  return { seconds: seconds * factor, usd: usd * factor };
}
