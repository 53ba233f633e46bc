/** A run that gathers its workers, driven as the control plane drives it, in virtual time. */
import type { Activity } from '../../../../src/coordinator/membership/liveness.ts';
import { advanceMembership } from '../../../../src/coordinator/membership/membership.ts';
import {
  type Activities,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
  type MembershipRules,
  noMembers,
} from '../../../../src/coordinator/membership/membership-state.ts';
import type { Hello, Ready, Worker } from '../../../../src/coordinator/membership/worker.ts';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import type { LossCause } from '../../../../src/economics/record/interruption.ts';
import type { PennygradError } from '../../../../src/shared/core/errors.ts';
import type { Body, MessageOf, WorkerMessage } from '../../../../src/shared/protocol/messages.ts';
import { createVirtualTime, type VirtualTime } from '../../../support/virtual-time.ts';

export const model = { name: 'cnn' as const, inputShape: [28, 28, 1] as [number, number, number], classes: 10 };
export const identity = { version: '1.0.0', model, datasetDigest: 'abc', seed: 1 };

/** With a timeout of 10 s: heartbeats every second, and deadlines of 8 s for silence, steps and the rendezvous. */
const rules: MembershipRules = {
  endpoint: 'tcp://10.0.0.1:5555',
  fleet: { min: 2, max: 2 },
  onLoss: 'fail',
  expectedIds: undefined,
  timeoutSeconds: 10,
  defaultPriceUsdPerHour: undefined,
  startedAt: 90,
  identity,
  parameterCount: 10,
  datasetName: 'mnist',
  optimizer: { name: 'adam', learningRate: 0.001 },
  checksumEvery: 50,
};

export function helloOf(workerId: string, fields: Partial<Hello> = {}): Hello {
  return { type: 'hello', workerId, version: '1.0.0', host: 'alpha', cpu: 'x64', pid: 4242, uptime: 2, ...fields };
}

export function readyOf(fields: Partial<Ready> = {}): Ready {
  return {
    type: 'ready',
    identity,
    backend: 'wasm',
    device: 'wasm, SIMD',
    backendReason: 'the fastest',
    parameterCount: 10,
    parametersChecksum: 77,
    bucketEnds: [4, 10],
    ...fields,
  };
}

/** An effect as a test writes it down: errors by their code and message, losses by their message. */
export type Shown = Exclude<MembershipEffect, { type: 'fail' | 'lost' }> | ShownFailure | ShownLoss;
export interface ShownLoss {
  readonly type: 'lost';
  readonly peer: string;
  readonly message: string;
}
export interface ShownFailure {
  readonly type: 'fail';
  readonly code: string;
  readonly message: string;
}

export interface Gathering {
  readonly time: VirtualTime;
  /** What each input leads to. Peers have the names of their workers unless a test says otherwise. */
  hello(workerId: string, fields?: Partial<Hello>, peer?: string): readonly Shown[];
  ready(peer: string, fields?: Partial<Ready>): readonly Shown[];
  leave(peer: string, fields?: Partial<Body<MessageOf<WorkerMessage, 'leave'>>>): readonly Shown[];
  input(input: MembershipInput): readonly Shown[];
  /** Lets time pass, with the ticks that the control plane makes of it, and tells when they led to something. */
  pass(ms: number): readonly { readonly afterMs: number; readonly effects: readonly Shown[] }[];
  /** What the members of the generation do from now on. */
  members(activities: Readonly<Record<string, readonly [activity: Activity, since: number]>>): void;
  state(): Membership;
  workers(): readonly string[];
  worker(peer: string): Worker;
}

export function startGathering(overrides: Partial<MembershipRules> = {}): Gathering {
  const time = createVirtualTime();
  const config = { ...rules, ...overrides };
  const tickMs = Math.min(config.timeoutSeconds * 100, 5000) / 2;
  let state = noMembers;
  let activities: Activities | undefined;

  function input(given: MembershipInput): readonly Shown[] {
    const moment = { now: time.clock.now(), unixMs: time.clock.unixMs() };
    if (given.type === 'heartbeat') {
      const at = new Map([[given.peer, moment.now]]);
      state = advanceMembership(config, state, { type: 'heard', at }, moment).state;
    }
    const step = advanceMembership(config, state, given, moment, activities);
    state = step.state;
    return step.effects.map(shown);
  }

  return {
    time,
    input,
    hello: (workerId, fields, peer = workerId) => input({ type: 'hello', peer, hello: helloOf(workerId, fields) }),
    ready: (peer, fields) => input({ type: 'ready', peer, ready: readyOf(fields) }),
    leave: (peer, fields = {}) =>
      input({
        type: 'leave',
        peer,
        leave: { type: 'leave', code: 'run-failed', phase: 'load', reason: 'why', ...fields },
      }),
    pass(ms) {
      const began = time.clock.now();
      const seen: { readonly afterMs: number; readonly effects: readonly Shown[] }[] = [];
      const stop = time.timers.every(tickMs, () => {
        const effects = input({ type: 'tick' });
        if (effects.length > 0) seen.push({ afterMs: (time.clock.now() - began) * 1000, effects });
      });
      time.advance(ms);
      stop();
      return seen;
    },
    members(given) {
      activities = new Map(Object.entries(given).map(([peer, [activity, since]]) => [peer, { activity, since }]));
    },
    state: () => state,
    workers: () => [...state.workers.keys()],
    worker(peer) {
      const worker = state.workers.get(peer);
      if (worker === undefined) throw new Error(`no worker ${peer}`);
      return worker;
    },
  };
}

/** Workers that are ready and train, two unless a test says otherwise: the first generation has begun. */
export function startTraining(
  overrides: Partial<MembershipRules> = {},
  workerIds: readonly string[] = ['w0', 'w1'],
): Gathering {
  const run = startGathering(overrides);
  for (const workerId of workerIds) {
    run.hello(workerId);
    run.ready(workerId);
  }
  run.input({ type: 'gather' });
  return run;
}

function shown(effect: MembershipEffect): Shown {
  if (effect.type === 'lost') return memberLost(effect.peer, effect.loss.message);
  if (effect.type !== 'fail') return effect;
  const { code, message }: PennygradError = effect.error;
  return { type: 'fail', code, message };
}

export function event(told: RunEvent): Shown {
  return { type: 'announce', event: told };
}

export function failure(code: string, message: string): Shown {
  return { type: 'fail', code, message };
}

/** A member of the generation is gone, which is over with that. */
export function memberLost(peer: string, message: string): Shown {
  return { type: 'lost', peer, message };
}

export function rejection(reason: string, detail: string): Shown {
  return event({ type: 'frame-rejected', reason, detail });
}

export function lost(workerId: string, reason: string, cause: LossCause): Shown {
  return event({ type: 'worker-lost', workerId, reason, cause });
}

/**
 * The effects of an accepted ready of a worker as `helloOf` and `readyOf` describe it.
 * @param at from when its time is booked
 */
export function isReady(workerId: string, at = 98): readonly Shown[] {
  return [
    event({ type: 'worker-began', workerId, at, priceUsdPerHour: undefined, gpu: undefined }),
    event({ type: 'worker-ready', workerId, backend: 'wasm', device: 'wasm, SIMD' }),
  ];
}

/** What a peer is told, and whoever watches. */
export function refused(
  peer: string,
  workerId: string,
  field: string,
  expected: string,
  actual: string,
  passing?: boolean,
): readonly Shown[] {
  const reason =
    passing === true ? `${actual}; ${expected}` : `${field} differs: the run has ${expected}, the worker ${actual}`;
  return [
    { type: 'send', peer, body: { type: 'refuse', field, expected, actual, passing } },
    event({ type: 'worker-refused', workerId, reason }),
  ];
}
