/** Who may join: a hello is answered with what the run trains, a ready is compared with it. Pure transitions. */
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import { findObstacle, findUnfit, type Mismatch } from './handshake.ts';
import {
  announce,
  hear,
  type Membership,
  type MembershipEffect,
  type MembershipRules,
  type MembershipStep,
  reject,
  without,
  withWorker,
} from './membership-state.ts';
import { type Hello, joinedWorker, type Moment, type Ready } from './worker.ts';

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
  const { identity, worldSize, datasetName, optimizer, timeoutSeconds, checksumEvery } = rules;
  const present = [...state.workers.values()].map(({ info }) => info.workerId);
  const obstacle = findObstacle(hello, { version: identity.version, worldSize, present });
  if (obstacle !== undefined) return { state, effects: refuse(peer, hello.workerId, obstacle) };
  const worker = joinedWorker(peer, hello, moment, rules.defaultPriceUsdPerHour);
  const { workerId, host, pid, priceUsdPerHour, gpu } = worker.info;
  const began = moment.now - hello.uptime;
  return {
    state: withWorker(state, worker),
    effects: [
      announce({ type: 'worker-joined', workerId, host, pid }),
      announce({ type: 'worker-began', workerId, at: began, priceUsdPerHour, gpu }),
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
        },
      },
    ],
  };
}

/** The refusal: a message to the peer and an event. */
export function refuse(peer: PeerId, workerId: string, { field, ...mismatch }: Mismatch): readonly MembershipEffect[] {
  const expected = mismatch.expected.slice(0, maxFieldLength);
  const actual = mismatch.actual.slice(0, maxFieldLength);
  const reason = `${field} differs: the run has ${expected}, the worker ${actual}`;
  return [
    { type: 'send', peer, body: { type: 'refuse', field, expected, actual } },
    announce({ type: 'worker-refused', workerId, reason }),
  ];
}

/** Whether this completes the fleet is for the rendezvous to decide. */
export function acceptReady(
  rules: MembershipRules,
  before: Membership,
  peer: PeerId,
  ready: Ready,
  { now }: Moment,
): MembershipStep {
  const state = hear(before, peer, now);
  const worker = state.workers.get(peer);
  if (worker === undefined) return { state, effects: [] };
  if (worker.ready !== undefined) return { state, effects: [reject('stale', 'a second ready')] };
  const { workerId } = worker.info;
  const other = [...state.workers.values()].find((candidate) => candidate.ready !== undefined);
  const mismatch = findUnfit(rules.identity, ready, other?.ready);
  if (mismatch !== undefined) {
    const ended = announce({ type: 'worker-ended', workerId });
    return { state: without(state, peer), effects: [...refuse(peer, workerId, mismatch), ended] };
  }
  const { backend, device } = ready;
  return {
    state: withWorker(state, { ...worker, ready, since: now }),
    effects: [announce({ type: 'worker-ready', workerId, backend, device })],
  };
}
