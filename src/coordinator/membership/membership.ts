/**
 * Who is in the run: a pure reducer. It takes what happened and the moment, and returns the new state and what is to be
 * done about it; `membership-loop.ts` does it.
 */
import { PennygradError } from '../../shared/core/errors.ts';
import { putOff } from '../../shared/core/standstill.ts';
import { acceptReady, tellGivenUp, welcome } from './admission.ts';
import { drain, drop, exited, expel, garbled, leave, lose, release } from './departure.ts';
import { type Activity, findStuck } from './liveness.ts';
import {
  type Activities,
  activityOf,
  announce,
  candidateOf,
  deadlinesOf,
  hearAll,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
  type MembershipRules,
  type MembershipStep,
  unchanged,
  withWorker,
} from './membership-state.ts';
import { type Change, decideQuorum, findChange } from './quorum.ts';
import type { Moment, Worker } from './worker.ts';

export function advanceMembership(
  rules: MembershipRules,
  state: Membership,
  input: MembershipInput,
  moment: Moment,
  activities: Activities = new Map(),
): MembershipStep {
  switch (input.type) {
    case 'hello':
      return welcome(rules, state, input.peer, input.hello, moment);
    case 'ready':
      return thenGather(rules, acceptReady(rules, state, input.peer, input.ready, moment), moment.now);
    case 'drain':
      return thenGather(rules, drain(rules, state, input, moment.now), moment.now);
    case 'leave':
      return thenGather(rules, leave(rules, state, input.peer, input.leave, moment.now), moment.now);
    case 'heard':
      return unchanged(hearAll(state, input.at));
    case 'heartbeat':
      return heartbeat(state, input, moment.unixMs);
    case 'garbled':
      return garbled(rules, state, input, activities, moment.now);
    case 'misbehaved': {
      const { reason, code } = input.refusal;
      return expel(rules, state, state.workers.get(input.peer), reason, activities, moment.now, code);
    }
    case 'unreachable': {
      const reason = `it cannot be reached (${input.reason})`;
      const loss = { cause: 'unreachable', reason } as const;
      return lose(rules, state, state.workers.get(input.peer), loss, activities, moment.now);
    }
    case 'exited':
      return thenGather(rules, exited(rules, state, input, activities, moment.now), moment.now);
    case 'drop':
      return drop(rules, state, input);
    case 'stood-still':
      return standStill(rules, state, input.seconds, moment.now);
    case 'gather':
      return beginGathering(rules, state, moment.now);
    case 'tick':
      return tick(rules, state, moment.now, activities);
    default:
      return input satisfies never;
  }
}

function heartbeat(
  state: Membership,
  { peer, gpu, awaited }: Extract<MembershipInput, { type: 'heartbeat' }>,
  unixMs: number,
): MembershipStep {
  const worker = state.workers.get(peer);
  if (worker === undefined) return unchanged(state);
  const { workerId } = worker.info;
  return {
    state: awaited === worker.awaited ? state : withWorker(state, { ...worker, awaited }),
    effects: [announce({ type: 'worker-heard', workerId, unixMs, gpu })],
  };
}

/** Nobody's time ran. It is told only where somebody would have been given up otherwise. */
function standStill(rules: MembershipRules, state: Membership, seconds: number, now: number): MembershipStep {
  const { workers, gatheringSince } = state;
  const puttingOff = (worker: Worker) => ({
    ...worker,
    since: putOff(worker.since, seconds, now),
    lastHeard: putOff(worker.lastHeard, seconds, now),
  });
  return {
    state: {
      ...state,
      workers: new Map([...workers].map(([peer, worker]) => [peer, puttingOff(worker)])),
      gatheringSince: gatheringSince === undefined ? undefined : putOff(gatheringSince, seconds, now),
    },
    effects: seconds * 1000 < deadlinesOf(rules).connectionMs ? [] : [announce({ type: 'stood-still', seconds })],
  };
}

function tick(rules: MembershipRules, state: Membership, now: number, activities: Activities): MembershipStep {
  const signs = [...state.workers.values()].map((worker) => ({
    ...activityOf(worker, activities),
    lastHeard: worker.lastHeard,
    subject: worker,
  }));
  const stuck = findStuck(signs, now, deadlinesOf(rules));
  if (stuck === undefined) return thenGather(rules, unchanged(state), now);
  const { isAlive, worker } = stuck;
  const reason = [stuck.reason, ...explainStuck(rules, worker.activity, worker.subject)].join('; ');
  const step = lose(rules, state, worker.subject, { cause: 'stuck', reason }, activities, now);
  const isOver = step.effects.some(({ type }) => type === 'fail');
  const told = isAlive && !isOver ? [tellGivenUp(worker.subject.peer, reason)] : [];
  return thenGather(rules, { ...step, effects: [...step.effects, ...told] }, now);
}

/** What the worker waits for, as far as it has said, and what there is to do. */
function explainStuck(
  { optimizer, timeoutSeconds }: MembershipRules,
  activity: Activity,
  { awaited }: Worker,
): readonly string[] {
  const isUpdating = activity === 'compute' && optimizer.local !== undefined;
  return [
    ...(awaited === undefined ? [] : [`it waited for the gradient of ${awaited.join(', ')}, as it last said`]),
    ...(isUpdating
      ? [
          `all --local-steps of a step have to end within ${0.8 * timeoutSeconds} s (0.8 of --timeout): use fewer, or a longer --timeout`,
        ]
      : []),
  ];
}

/** Any change may have completed the fleet. */
function thenGather(rules: MembershipRules, { state, effects }: MembershipStep, now: number): MembershipStep {
  const gathered = gather(rules, state, now);
  return { state: gathered.state, effects: [...effects, ...gathered.effects] };
}

/** The generation before is over, so whoever wanted to leave may go now. */
function beginGathering(rules: MembershipRules, before: Membership, now: number): MembershipStep {
  let state: Membership = { ...before, gatheringSince: now };
  const effects: MembershipEffect[] = [];
  for (const worker of [...state.workers.values()].filter(({ draining }) => draining)) {
    const released = release(
      rules,
      state,
      worker,
      state.dropped.get(worker.info.workerId) ?? 'it was asked to leave',
      now,
    );
    state = released.state;
    effects.push(...released.effects);
  }
  return thenGather(rules, { state, effects }, now);
}

/** Decides whether a generation begins now. */
function gather(rules: MembershipRules, state: Membership, now: number): MembershipStep {
  const { gatheringSince, previousSize, gone } = state;
  if (gatheringSince === undefined) return unchanged(state);
  const byId = new Map([...state.workers.values()].map((worker) => [worker.info.workerId, worker] as const));
  const deadlineMs = deadlinesOf(rules).rendezvousMs;
  const decision = decideQuorum([...byId.values()].map(candidateOf), rules, {
    waitedMs: (now - gatheringSince) * 1000,
    deadlineMs,
    previousSize,
    gone: [...gone.keys()],
  });
  switch (decision.kind) {
    case 'wait':
      return waitFor(state, decision.reason, deadlineMs / 1000 - (now - gatheringSince));
    case 'give-up': {
      const ended = { ...state, gatheringSince: undefined };
      const last = [...gone.values()].at(-1);
      const error = decision.isHopeless && last !== undefined ? last : timedOut(rules, state, decision.reason);
      return { state: ended, effects: [{ type: 'fail', error }] };
    }
    case 'begin': {
      const workers = decision.members.flatMap((workerId) => byId.get(workerId) ?? []);
      const ranked = workers.map((worker, rank) => ({ ...worker, rank }));
      return {
        state: {
          ...state,
          workers: new Map([...state.workers, ...ranked.map((worker) => [worker.peer, worker] as const)]),
          gatheringSince: undefined,
          waitingFor: undefined,
          previousSize: ranked.length,
          generations: state.generations + 1,
        },
        effects: [{ type: 'begin', workers: ranked, reason: decision.reason }],
      };
    }
    default:
      return decision satisfies never;
  }
}

/** Before the first generation everybody knows what a run waits for. */
function waitFor(state: Membership, reason: string, seconds: number): MembershipStep {
  if (state.previousSize === undefined || state.waitingFor === reason) return unchanged(state);
  return { state: { ...state, waitingFor: reason }, effects: [announce({ type: 'waiting', reason, seconds })] };
}

function timedOut(rules: MembershipRules, { lastLoss }: Membership, reason: string): PennygradError {
  const { endpoint, timeoutSeconds } = rules;
  const after = `after ${deadlinesOf(rules).rendezvousMs / 1000} s (--timeout ${timeoutSeconds})`;
  const message =
    lastLoss === undefined
      ? `rendezvous at ${endpoint} timed out ${after}: ${reason}`
      : `${lastLoss.message}; no other worker came to ${endpoint} ${after}: ${reason}`;
  return new PennygradError('quorum-lost', message);
}

/** Whether another generation should take the place of the present one at the next step boundary. */
export function changeDue({ fleet }: Pick<MembershipRules, 'fleet'>, { workers }: Membership): Change | undefined {
  return findChange([...workers.values()].map(candidateOf), fleet);
}
