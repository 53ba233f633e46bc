/**
 * A worker of a run as its coordinator sees it: it says what a worker says, and computes nothing. Its gradient is zeros, its
 * loss always the same, and its parameters never change. Pure but for its own state: `members-process.ts` gives it a socket
 * and the time.
 */
import { bucketEnds, gradientBuckets } from '../../shared/collectives/buckets.ts';
import { collectiveOf, isAllReduceName } from '../../shared/collectives/registry.ts';
import { noPhaseSeconds } from '../../shared/core/phases.ts';
import { optimizerSlots } from '../../shared/model/model-spec.ts';
import { parameterChecksum } from '../../shared/model/parameter-checksum.ts';
import { parameterCount } from '../../shared/model/parameter-count.ts';
import type {
  Assignment,
  Body,
  CoordinatorMessage,
  MessageOf,
  Usage,
  WorkerMessage,
} from '../../shared/protocol/messages.ts';

type From<Type extends CoordinatorMessage['type']> = MessageOf<CoordinatorMessage, Type>;

export interface MemberMail {
  send(body: Body<WorkerMessage>, tensors?: readonly Float32Array[]): void;
  /** The message may wait for the next one. */
  sendLater(body: Body<WorkerMessage>): void;
}

export interface MemberOptions {
  readonly workerId: string;
  readonly version: string;
  readonly mail: MemberMail;
  /** Seconds of a steady clock. */
  readonly now: () => number;
  /** How long the coordinator may wait for a vote that travels with others, in milliseconds. */
  readonly laterMs: number;
  /** Whether it votes only when `step` is called; otherwise as soon as it is assigned a step. */
  readonly isPaced: boolean;
}

export interface Member {
  hello(): void;
  /** Carries out an order. */
  receive(message: CoordinatorMessage): void;
  /** Carries out the next step that it was assigned, if there is one. */
  step(): void;
  /** Whether the run has told it to leave. */
  isOver(): boolean;
}

/** For images that nobody has looked at, in nats: the loss of ten classes that are all as likely. */
const lossOfASample = Math.log(10);

/** What it offers the others to read, which nobody opens. */
const secret = 'a'.repeat(32);

export function createMember(options: MemberOptions): Member {
  const { mail, now, laterMs, isPaced } = options;
  let welcome: From<'welcome'> | undefined;
  let parameters = new Float32Array(0);
  let checksum = 0;
  let [generation, allReduce, began] = [0, 'star', now()];
  let assigned: Assignment[] = [];
  /** The step whose commit is waited for. */
  let voted: number | undefined;
  let applied = 0;
  let isOver = false;
  let [waitingVotes, votedAt] = [0, Number.NEGATIVE_INFINITY];

  /** All of its time since the first generation began, half of it computing. */
  function usage(): Usage {
    const seconds = (now() - began) / 2;
    return {
      seconds: { ...noPhaseSeconds, compute: seconds, wait: seconds, evaluate: 0, idle: 0 },
      bytes: { sent: 4 * parameters.length * applied, received: 4 * parameters.length * applied },
    };
  }

  const hasHub = () => isAllReduceName(allReduce) && collectiveOf(allReduce).createHub !== undefined;

  function load(message: From<'welcome'>): void {
    welcome = message;
    const { model, dataset, seed } = message;
    const size = parameterCount(model);
    parameters = new Float32Array(size);
    checksum = parameterChecksum(parameters);
    mail.send({
      type: 'ready',
      identity: { version: options.version, model, datasetDigest: dataset.digest, seed },
      backend: 'cpu',
      device: 'none: it computes nothing',
      backendReason: 'bench:scale',
      parameterCount: size,
      parametersChecksum: checksum,
      bucketEnds: bucketEnds(gradientBuckets([size])),
      vectors: message.offerVectors === true ? { memory: { host: 'bench', pid: 1, fd: 1, secret } } : undefined,
    });
  }

  function vote({ step, attempt, from, to }: Assignment): void {
    const isCompared = step % (welcome?.checksumEvery ?? 1) === 0;
    // As a real worker does: see `src/worker/step.ts`.
    const isSoon = (now() - votedAt) * 1000 < laterMs;
    const mayWait = !hasHub() && isSoon && assigned.length > waitingVotes;
    if (mayWait) waitingVotes += 1;
    else [waitingVotes, votedAt] = [0, now()];
    const send = mayWait ? mail.sendLater : mail.send;
    send({
      type: 'vote',
      generation,
      step,
      attempt,
      samples: to - from,
      lossSum: lossOfASample * (to - from),
      correct: 0,
      usage: usage(),
      parametersChecksum: isCompared ? checksum : undefined,
    });
  }

  function carryOut(): void {
    if (voted !== undefined) return;
    const assignment = assigned.shift();
    if (assignment === undefined) return;
    const { step, attempt } = assignment;
    if (!hasHub()) {
      vote(assignment);
      applied = step + 1;
      return;
    }
    gradientBuckets([parameters.length]).forEach(({ from, to }, bucket) => {
      mail.send({ type: 'contribute', generation, step, attempt, bucket }, [parameters.subarray(from, to)]);
    });
    voted = step;
    vote(assignment);
  }

  function carryOutAll(): void {
    if (isPaced) return;
    while (assigned.length > 0 && voted === undefined) carryOut();
  }

  function report({ request, extent }: From<'report-state'>): void {
    const slots = optimizerSlots[welcome?.optimizer.name ?? 'sgd'].map(() => parameters);
    const vectors = {
      checksum: [],
      parameters: [parameters],
      residual: [parameters],
      'parameters-and-residual': [parameters, parameters],
      state: [parameters, ...slots],
    }[extent];
    const weightSpecs = [{ name: 'all', shape: [parameters.length], dtype: 'float32' as const }];
    mail.send(
      {
        type: 'state',
        request,
        usage: usage(),
        applied: applied === 0 ? undefined : { step: applied, generation },
        parametersChecksum: checksum,
        state: extent === 'state' ? { topology: {}, weightSpecs, optimizerIterations: applied } : undefined,
      },
      vectors,
    );
  }

  return {
    hello() {
      const { workerId, version } = options;
      mail.send({ type: 'hello', workerId, version, host: 'bench', cpu: 'none', pid: process.pid, uptime: 0 });
    },
    step: carryOut,
    isOver: () => isOver,
    receive(message) {
      switch (message.type) {
        case 'welcome':
          return load(message);
        case 'quorum':
          if (generation === 0) began = now();
          [generation, allReduce] = [message.generation, message.allReduce];
          return;
        case 'exchange':
          allReduce = message.allReduce;
          return;
        case 'link':
          return mail.send({ type: 'linked', request: message.request, usage: usage() });
        case 'measure':
          return mail.send({ type: 'measured', request: message.request, usage: usage() });
        case 'assign':
          assigned.push(message);
          return carryOutAll();
        case 'commit':
          applied = message.step + 1;
          voted = undefined;
          return carryOutAll();
        case 'abort':
          assigned = [];
          voted = undefined;
          return;
        case 'evaluate': {
          const samples = message.to - message.from;
          const lossSum = lossOfASample * samples;
          const { request } = message;
          return mail.send({ type: 'evaluated', request, samples, lossSum, correct: 0, usage: usage() });
        }
        case 'report-state':
          return report(message);
        case 'restore':
          applied = message.applied.step;
          return mail.send({
            type: 'restored',
            request: message.request,
            usage: usage(),
            parametersChecksum: checksum,
          });
        case 'predict': {
          const classes = welcome?.model.classes ?? 1;
          const probabilities = new Float32Array(message.count * classes).fill(1 / classes);
          return mail.send({ type: 'predicted', request: message.request, usage: usage() }, [probabilities]);
        }
        case 'stop':
        case 'refuse':
          isOver = true;
          return;
        default:
          return;
      }
    },
  };
}
