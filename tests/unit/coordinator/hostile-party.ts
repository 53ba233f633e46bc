/**
 * A run with a member that sends what it likes: every message of one member of two may be changed, left out, sent twice or
 * made up. Bytes travel through the codec, time is virtual, and everything of the coordinator but its socket is the real
 * one.
 */

import type { MembershipRules } from '../../../src/coordinator/membership/membership-state.ts';
import { createMembershipLoop, type MembershipLoop } from '../../../src/coordinator/membership-loop.ts';
import type { RunObserver } from '../../../src/coordinator/run-events.ts';
import { train } from '../../../src/coordinator/training/train.ts';
import { createRandom, type Random } from '../../../src/shared/core/random.ts';
import { parameterChecksum } from '../../../src/shared/model/parameter-checksum.ts';
import { decodeWorkerMessage, encode } from '../../../src/shared/protocol/codec.ts';
import type { Applied, Body, CoordinatorMessage, WorkerMessage } from '../../../src/shared/protocol/messages.ts';
import { asBytes } from '../../support/memory-network.ts';
import { nothingUsed } from '../../support/nothing-used.ts';
import { trainingConfig } from '../../support/settings.ts';
import { createVirtualTime, promisesSettle, type VirtualTime } from '../../support/virtual-time.ts';
import { helloOf, identity, readyOf } from './membership/gathering.ts';

interface Message {
  readonly body: Body<WorkerMessage>;
  readonly tensors: readonly Float32Array[];
}
type Frames = readonly Uint8Array[];

const parameters = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
const parametersChecksum = parameterChecksum(parameters);
const usage = nothingUsed;

/** With a timeout of 10 s. The coordinator's process began ten seconds before virtual time. */
export const hostileRules: MembershipRules = {
  endpoint: 'tcp://10.0.0.1:5555',
  fleet: { min: 2, max: 2 },
  onLoss: 'fail',
  expectedIds: undefined,
  timeoutSeconds: 10,
  defaultPriceUsdPerHour: 1,
  startedAt: 90,
  identity,
  parameterCount: 10,
  datasetName: 'mnist',
  optimizer: { name: 'adam', learningRate: 0.001 },
  checksumEvery: 2,
};

/**
 * What a member that does its part answers.
 * @param applied what its replica has
 */
function answersOf(order: Body<CoordinatorMessage>, applied: Applied | undefined): readonly Message[] {
  const say = (body: Body<WorkerMessage>, ...tensors: readonly Float32Array[]): Message => ({ body, tensors });
  switch (order.type) {
    case 'welcome':
      return [say(readyOf({ parametersChecksum }))];
    case 'assign': {
      const { generation, attempt, from, to } = order;
      const of = { generation, step: order.step, attempt };
      const figures = { samples: to - from, lossSum: 1, correct: 1, usage };
      return [
        say({ type: 'contribute', ...of, bucket: 1 }, new Float32Array(6).fill(1)),
        say({ type: 'contribute', ...of, bucket: 0 }, new Float32Array(4).fill(1)),
        say({ type: 'vote', ...of, ...figures, ...(order.step % 2 === 0 ? { parametersChecksum } : {}) }),
      ];
    }
    case 'evaluate': {
      const samples = order.to - order.from;
      return [say({ type: 'evaluated', request: order.request, samples, lossSum: 1, correct: 1, usage })];
    }
    case 'report-state': {
      const { request, extent } = order;
      const weightSpecs = [{ name: 'kernel', shape: [10], dtype: 'float32' as const }];
      const state = extent === 'state' ? { topology: {}, weightSpecs, optimizerIterations: 1 } : undefined;
      const vectors = { checksum: 0, parameters: 1, residual: 1, 'parameters-and-residual': 2, state: 3 }[extent];
      return [
        say({ type: 'state', request, usage, applied, parametersChecksum, state }, ...Array(vectors).fill(parameters)),
      ];
    }
    case 'predict':
      return [say({ type: 'predicted', request: order.request, usage }, new Float32Array(order.count * 10))];
    default:
      return [];
  }
}

const oddities: readonly unknown[] = [
  ...[0, 1, -1, 2, 7, 0.5, 666, 2 ** 31, 2 ** 53, 9e15, 1e300, 1.7e308, Number.NaN, Infinity, -Infinity],
  ...['', 'w0', 'x'.repeat(5000), null, true, [], [1, 2], {}, { a: 1 }, undefined],
];

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[random.integer(values.length)] as Value;
}

/** The value with one field, at any depth, that is another. */
function changed(random: Random, value: unknown): unknown {
  const fields = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const field = fields[random.integer(Math.max(1, fields.length))];
  if (field === undefined || random.integer(6) === 0) return pick(random, oddities);
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[field] = changed(random, copy[field]);
  return copy;
}

function changedTensors(random: Random, tensors: readonly Float32Array[]): readonly Float32Array[] {
  const odd = pick(random, [Number.NaN, Infinity, 3.4e38, -3e38, 0, 1e-30]);
  const length = pick(random, [0, 1, 4, 5, 6, 10, 11]);
  return pick(random, [
    [],
    [new Float32Array(length)],
    [...tensors, new Float32Array(length)],
    tensors.slice(1),
    tensors.map((tensor) => tensor.map((value, i) => (i === tensor.length - 1 ? odd : value))),
  ]);
}

const encoded = ({ body, tensors }: Message): Frames => asBytes(encode<WorkerMessage>('run-1', body, tensors));

/** What a hostile member makes of its next message. @param said what it has sent before */
function distort(random: Random, message: Message, said: readonly Message[]): readonly Frames[] {
  const old = pick(random, [message, ...said]);
  const noise = Uint8Array.from({ length: random.integer(60) }, () => random.integer(256));
  const [header = new Uint8Array(), ...rest] = encoded(message);
  const at = random.integer(header.length);
  const damaged = header.map((byte, i) => (i === at ? random.integer(256) : byte));
  return pick(random, [
    () => [],
    () => [encoded(message), encoded(message)],
    () => [encoded(old)],
    () => [encoded(old), encoded(message)],
    () => [encoded({ ...message, body: changed(random, message.body) as Message['body'] })],
    () => [encoded({ ...message, body: changed(random, message.body) as Message['body'] })],
    () => [encoded({ ...message, tensors: changedTensors(random, message.tensors) })],
    () => [[damaged, ...rest]],
    () => [[noise], encoded(message)],
    () => [encoded({ body: helloOf('w2', { uptime: 1e8 }), tensors: [] }), encoded(message)],
    () => [encoded({ body: readyOf({ parametersChecksum }), tensors: [] }), encoded(message)],
    () => [encoded({ body: { type: 'leave', code: 'bad-input', phase: 'x', reason: 'bye' }, tensors: [] })],
  ])();
}

/**
 * Plays a run to its end. Each turn of messages takes a millisecond.
 * @returns why it failed; undefined for a run that was trained to its end
 * @throws if it hangs
 */
export async function playHostileRun(
  seed: number,
  time: VirtualTime = createVirtualTime(),
  observe: RunObserver = () => {},
): Promise<Error | undefined> {
  const random = createRandom(seed);
  const inbox: { readonly peer: string; readonly frames: Frames }[] = [];
  const said: Message[] = [];
  /** By peer. */
  const applied = new Map<string, Applied>();
  // The first messages are as they should be, so that faults are found in every phase.
  let honestFor = random.integer(30);

  function answer(peer: string, message: Message): void {
    const isHostile = peer === 'p1' && honestFor-- <= 0 && random.integer(3) === 0;
    for (const frames of isHostile ? distort(random, message, said) : [encoded(message)]) inbox.push({ peer, frames });
    if (peer === 'p1') said.push(message);
  }

  const loop: MembershipLoop = createMembershipLoop({
    run: 'run-1',
    rules: hostileRules,
    allReduce: 'star',
    clock: time.clock,
    observe,
    send(peer, body) {
      if (body.type === 'commit') applied.set(peer, { step: body.step + 1, generation: body.generation });
      for (const message of answersOf(body, applied.get(peer))) answer(peer, message);
    },
  });
  time.timers.every(500, () => loop.dispatch({ type: 'tick' }));
  time.timers.every(1000, () =>
    inbox.push({ peer: 'p0', frames: encoded({ body: { type: 'heartbeat' }, tensors: [] }) }),
  );
  for (const rank of [0, 1]) answer(`p${rank}`, { body: helloOf(`w${rank}`, { priceUsdPerHour: 0.5 }), tensors: [] });

  const run = train(
    loop,
    { training: trainingConfig({ epochs: 2, batchSize: 16 }), trainCount: 40, testCount: 20 },
    { clock: time.clock, observe, signal: new AbortController().signal },
  );
  let end: { readonly error: Error | undefined } | undefined;
  run.then(
    () => {
      end = { error: undefined };
    },
    (error: Error) => {
      end = { error };
    },
  );
  for (let turn = 0; end === undefined; turn++) {
    if (turn > 2000) throw new Error(`seed ${seed}: the run hangs`);
    for (const { peer, frames } of inbox.splice(0)) {
      const decoded = decodeWorkerMessage(frames, loop.isMember(peer) ? 'member' : 'stranger');
      if (decoded.ok) loop.accept(peer, decoded.message, decoded.tensors);
      else loop.dispatch({ type: 'garbled', peer, detail: decoded.detail, version: decoded.version });
    }
    await promisesSettle();
    time.advance(inbox.length === 0 ? 500 : 1);
  }
  return end.error;
}
