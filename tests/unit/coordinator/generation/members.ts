/** A generation whose members are played by the test: what it sends is kept, and what members send is handed to it. */
import {
  type CarriedGeneration,
  createGeneration,
  type Generation,
  type GenerationOptions,
  type MemberMessage,
} from '../../../../src/coordinator/generation/generation.ts';
import type { Refusal } from '../../../../src/coordinator/generation/refusal.ts';
import { joinedWorker, type Member, type Ready, rankWorkers } from '../../../../src/coordinator/membership/worker.ts';
import type { Interval } from '../../../../src/shared/core/sampling.ts';
import { parameterChecksum } from '../../../../src/shared/model/parameter-checksum.ts';
import type {
  Body,
  CoordinatorMessage,
  MessageOf,
  Usage,
  WorkerMessage,
} from '../../../../src/shared/protocol/messages.ts';
import { nothingUsed } from '../../../support/nothing-used.ts';
import { createVirtualTime, type VirtualTime } from '../../../support/virtual-time.ts';
import { helloOf, readyOf } from '../membership/gathering.ts';

export interface Sent {
  readonly to: number;
  readonly body: Body<CoordinatorMessage>;
  readonly tensors: readonly (readonly number[])[];
}

export interface PlayedGeneration {
  readonly time: VirtualTime;
  readonly generation: Generation;
  /** What was sent since this was last asked. */
  sent(): readonly Sent[];
  abort(reason: Error): void;
  /** A member's message. @returns why it was refused */
  say(rank: number, body: Body<MemberMessage>, tensors?: readonly (readonly number[])[]): Refusal | undefined;
  /** Ranks send their whole gradients, three ones each, and what the hub makes of it is dropped. */
  contributeAll(step: number, ...ranks: readonly number[]): void;
}

/** The generation has this number. */
export const number = 3;

/** Of a gradient of three floats. */
export const buckets: readonly Interval[] = [
  { from: 0, to: 2 },
  { from: 2, to: 3 },
];

export function memberOf(rank: number, cpu = 'x64', backend = 'wasm'): Member {
  const hello = helloOf(`w${rank}`, { cpu, pid: 100 + rank });
  const worker = joinedWorker(`p${rank}`, hello, { now: 1, unixMs: 1 }, 0);
  const [member] = rankWorkers([{ ...worker, ready: readyOf({ backend }) }]);
  if (member === undefined) throw new Error('a member');
  return { ...member, rank };
}

export interface PlayedOptions {
  /** The generation before, which had the number before. */
  readonly before?: CarriedGeneration;
  /** The longest chunk of a state, of which there are nine floats. */
  readonly chunkFloats?: number | undefined;
  readonly codec?: GenerationOptions['codec'];
  readonly allReduce?: GenerationOptions['allReduce'];
  readonly skipNonfinite?: boolean | undefined;
  /** What a rank says when it is ready. */
  readonly readyOf?: (rank: number) => Partial<Ready>;
}

export function playGeneration(
  worldSize = 2,
  { before, chunkFloats, codec, allReduce = 'star', skipNonfinite, readyOf: readied = () => ({}) }: PlayedOptions = {},
): PlayedGeneration {
  const time = createVirtualTime();
  const ending = new AbortController();
  let sent: Sent[] = [];
  const generation = createGeneration({
    number,
    members: Array.from({ length: worldSize }, (_, rank) => {
      const member = memberOf(rank);
      return { ...member, ready: { ...member.ready, ...readied(rank) } };
    }),
    model: { parameterCount: 3, classes: 2, slots: 2 },
    checksumEvery: 50,
    buckets,
    allReduce,
    codec,
    skipNonfinite,
    chunkFloats,
    clock: time.clock,
    before,
    signal: ending.signal,
    send: (member, body, tensors = []) =>
      sent.push({ to: member.rank, body, tensors: tensors.map((tensor) => [...tensor]) }),
  });
  function say(rank: number, body: Body<MemberMessage>, tensors: readonly (readonly number[])[] = []) {
    const message = { v: 8, run: 'run-1', ...body } as MemberMessage;
    return generation.accept(
      `p${rank}`,
      message,
      tensors.map((values) => Float32Array.from(values)),
    );
  }
  return {
    time,
    generation,
    sent() {
      const taken = sent;
      sent = [];
      return taken;
    },
    abort: (reason) => ending.abort(reason),
    say,
    contributeAll(step, ...ranks) {
      const before = sent;
      sent = [];
      for (const rank of ranks) {
        buckets.forEach(({ from, to }, bucket) => {
          const refusal = say(rank, contribution(step, bucket), [Array(to - from).fill(1)]);
          if (refusal !== undefined) throw new Error(refusal.reason);
        });
      }
      sent = before;
    },
  };
}

/** To every rank the same, in rank order. */
export function toAll(
  worldSize: number,
  body: Body<CoordinatorMessage>,
  tensors: Sent['tensors'] = [],
): readonly Sent[] {
  return Array.from({ length: worldSize }, (_, to) => ({ to, body, tensors }));
}

export function contribution(
  step: number,
  bucket: number,
  fields: Partial<Body<MessageOf<WorkerMessage, 'contribute'>>> = {},
): Body<MessageOf<WorkerMessage, 'contribute'>> {
  return { type: 'contribute', generation: number, step, attempt: 0, bucket, ...fields };
}

export function vote(
  step: number,
  fields: Partial<Body<MessageOf<WorkerMessage, 'vote'>>> = {},
): Body<MessageOf<WorkerMessage, 'vote'>> {
  const figures = { samples: 8, lossSum: 4, correct: 6, usage: nothingUsed };
  const compared = step % 50 === 0 ? { parametersChecksum: 7 } : {};
  return { type: 'vote', generation: number, step, attempt: 0, ...figures, ...compared, ...fields };
}

/** A rank's whole state as an answer: three parameters with two slots, in a model of 3 = 1×2 + 1, after so many steps of this generation. */
export function wholeState(request: number, usage: Usage, step?: number, parameters: readonly number[] = [1, 2, 3]) {
  const body: Body<MessageOf<WorkerMessage, 'state'>> = {
    type: 'state',
    request,
    usage,
    applied: step === undefined ? undefined : { step, generation: number },
    parametersChecksum: parameterChecksum(Float32Array.from(parameters)),
    state: {
      topology: {},
      weightSpecs: [
        { name: 'kernel', shape: [1, 2], dtype: 'float32' },
        { name: 'bias', shape: [1], dtype: 'float32' },
      ],
      optimizerIterations: 1,
    },
  };
  return { body, tensors: [parameters, [0, 0, 0], [0, 0, 0]] };
}

/** Usage in round numbers: `compute` seconds of computing, and so many bytes each way. */
export function used(compute: number, sent: number, received = sent): Usage {
  return { seconds: { ...nothingUsed.seconds, compute }, bytes: { sent, received } };
}
