/** Who may join: a hello is answered with what the run trains, a ready is compared with it. Pure transitions. */
import { describeRefusal } from '../../shared/protocol/describe-refusal.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import { findObstacle, findOtherArithmetic, findUnfit, type Mismatch } from './handshake.ts';
import {
  announce,
  deadlinesOf,
  hear,
  type Membership,
  type MembershipEffect,
  type MembershipRules,
  type MembershipStep,
  reject,
  withDeparted,
  withWorker,
} from './membership-state.ts';
import { type Hello, joinedWorker, type Moment, numericsKey, type Ready, readyWorker, type Worker } from './worker.ts';

/** Longer fields of a refusal are cut. */
const maxFieldLength = 1000;

export function welcome(
  rules: MembershipRules,
  state: Membership,
  peer: PeerId,
  hello: Hello,
  moment: Moment,
): MembershipStep {
  if (state.workers.has(peer)) return { state, effects: [reject('peer', 'a second hello')] };
  const { identity, fleet, datasetName, optimizer, timeoutSeconds, checksumEvery, deterministic, offerVectors } = rules;
  const present = [...state.workers.values()].map(({ info }) => info.workerId);
  const obstacle = findObstacle(hello, {
    version: identity.version,
    places: fleet.max,
    present,
    dropped: state.dropped,
  });
  if (obstacle !== undefined) {
    const late = obstacle.passing === true ? findLate(rules, state, hello, moment.now) : undefined;
    if (late === undefined) return { state, effects: refuse(peer, hello.workerId, obstacle, hello.asked) };
    const freed = displace(rules, state, late, moment.now);
    const { state: after, effects } = welcome(rules, freed.state, peer, hello, moment);
    return { state: after, effects: [...freed.effects, ...effects] };
  }
  const worker = joinedWorker(peer, hello, moment, earliestBooked(rules, state));
  const { workerId, host, pid } = worker.info;
  return {
    state: withWorker(state, worker),
    effects: [
      announce({ type: 'worker-joined', workerId, host, pid }),
      {
        type: 'send',
        peer,
        body: {
          type: 'welcome',
          dataset: { name: datasetName, digest: identity.datasetDigest },
          model: identity.model,
          optimizer,
          seed: identity.seed,
          timeout: timeoutSeconds,
          checksumEvery,
          generation: state.generations,
          deterministic: deterministic === true ? true : undefined,
          offerVectors: offerVectors === true ? true : undefined,
        },
      },
    ],
  };
}

/**
 * A worker may have waited for the coordinator, but not longer than the timeout: what its process did before that is no
 * cost of this run, or was booked by the coordinator before. And a place is paid for once: whoever takes one counts from when it was given up. So a run with N workers
 * is never charged more than N times its own duration and the timeout, whatever its peers say.
 */
function earliestBooked(
  { startedAt, timeoutSeconds, bookedUntil = Number.NEGATIVE_INFINITY }: MembershipRules,
  { vacatedAt = Number.NEGATIVE_INFINITY }: Membership,
): number {
  return Math.max(startedAt - timeoutSeconds, bookedUntil, vacatedAt);
}

/**
 * The worker whose place a newcomer gets: one of its name, or else the one that has been loading longest, if it should
 * have been ready by now.
 */
function findLate(
  rules: MembershipRules,
  { workers }: Membership,
  { workerId }: Hello,
  now: number,
): Worker | undefined {
  const isLate = ({ ready, since }: Worker) => ready === undefined && (now - since) * 1000 > deadlinesOf(rules).loadMs;
  const namesake = [...workers.values()].find(({ info }) => info.workerId === workerId);
  if (namesake !== undefined) return isLate(namesake) ? namesake : undefined;
  // In the order of their hellos.
  return [...workers.values()].find(isLate);
}

function displace(rules: MembershipRules, state: Membership, late: Worker, now: number): MembershipStep {
  const { workerId } = late.info;
  const mismatch = {
    field: 'loading time',
    expected: `a worker has ${deadlinesOf(rules).loadMs / 1000} s to load while others ask for a place`,
    actual: `it was not ready after ${(now - late.since).toFixed(1)} s`,
    passing: true,
  };
  const reason = `it was not ready after ${(now - late.since).toFixed(1)} s, and another worker asks for its place`;
  return {
    state: withDeparted(rules, state, late, 'load', now),
    effects: [tell(late.peer, mismatch), announce({ type: 'worker-lost', workerId, reason, cause: 'stuck' })],
  };
}

/**
 * The refusal: a message to the peer and an event.
 * @param asked how often the peer has asked before: only the first refusal is an event
 */
export function refuse(peer: PeerId, workerId: string, mismatch: Mismatch, asked = 0): readonly MembershipEffect[] {
  const reason = describeRefusal(shortened(mismatch), 'the worker');
  const told = tell(peer, mismatch);
  return asked > 0 ? [told] : [told, announce({ type: 'worker-refused', workerId, reason })];
}

/**
 * A member that is given up may only have waited for another one, which it could not reach: it is to ask for its place at once,
 * while the others wait for somebody.
 */
export function tellGivenUp(peer: PeerId, reason: string): MembershipEffect {
  const mismatch = { field: 'progress', expected: 'it may ask for its place again', actual: reason, passing: true };
  return tell(peer, mismatch);
}

function tell(peer: PeerId, mismatch: Mismatch): MembershipEffect {
  return { type: 'send', peer, body: { type: 'refuse', ...shortened(mismatch) } };
}

function shortened({ field, passing, ...mismatch }: Mismatch): Mismatch {
  const expected = mismatch.expected.slice(0, maxFieldLength);
  const actual = mismatch.actual.slice(0, maxFieldLength);
  return { field, expected, actual, passing };
}

/** Whether this completes the fleet is for the rendezvous to decide. */
export function acceptReady(
  rules: MembershipRules,
  before: Membership,
  peer: PeerId,
  ready: Ready,
  moment: Moment,
): MembershipStep {
  const { now } = moment;
  const state = hear(before, peer, now);
  const worker = state.workers.get(peer);
  if (worker === undefined) return { state, effects: [] };
  if (worker.ready !== undefined) return { state, effects: [reject('stale', 'a second ready')] };
  const { workerId, gpu } = worker.info;
  const other = [...state.workers.values()].find((candidate) => candidate.ready !== undefined);
  const arithmetic = rules.deterministic === true ? numericsKey({ info: worker.info, ready }) : undefined;
  const mismatch = findUnfit(rules, ready, other?.ready) ?? findOtherArithmetic(ready, arithmetic, state.arithmetic);
  if (mismatch !== undefined) {
    const ended = announce({ type: 'worker-ended', workerId });
    return {
      state: withDeparted(rules, state, worker, 'load', now),
      effects: [...refuse(peer, workerId, mismatch), ended],
    };
  }
  const { backend, device, kept } = ready;
  const loaded = readyWorker(worker, ready, moment, rules);
  const { priceUsdPerHour, priceAssumed } = loaded.info;
  const returns = kept === undefined ? undefined : true;
  return {
    state: { ...withWorker(state, loaded), arithmetic },
    // Nobody pays for a worker that could not train.
    effects: [
      announce({ type: 'worker-began', workerId, at: loaded.aliveSince, returns, priceUsdPerHour, priceAssumed, gpu }),
      announce({ type: 'worker-ready', workerId, backend, device }),
    ],
  };
}
