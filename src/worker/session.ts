/** A worker's part in one generation: it carries out orders until another generation begins or the run is over. */
import type { Engine } from '../engine/engine.ts';
import { type AllReduce, GradientGone } from '../shared/collectives/collective.ts';
import { type AllReduceName, collectiveOf, isAllReduceName } from '../shared/collectives/registry.ts';
import type { Clock } from '../shared/core/clock.ts';
import { PennygradError } from '../shared/core/errors.ts';
import type { EventLoopTurn } from '../shared/core/event-loop-turn.ts';
import type { Interval } from '../shared/core/sampling.ts';
import type { Timers } from '../shared/core/timers.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { Body, MessageOf, WorkerMessage } from '../shared/protocol/messages.ts';
import { chunkSizes } from '../shared/protocol/state-chunks.ts';
import type { LinkPatience } from '../shared/transport/vectors.ts';
import { type CoordinatorLink, CoordinatorLost, type Order, type QuorumOrder } from './coordinator-link.ts';
import { describeAllReduce } from './describe-all-reduce.ts';
import { measureLink } from './measure-link.ts';
import { createPeerLinks, type PeerLinks, type SharedVectors } from './peer-links.ts';
import { noteRestored, noteStep, type Replica } from './replica.ts';
import { evaluate, predict, type Reply, reportState, restore } from './requests.ts';
import { gradientsByMicroShards, gradientsOfWhole, type ShareGradients } from './share-gradients.ts';
import { sendState, TransferDropped } from './state-transfers.ts';
import { createStepRunner, type StepRunner } from './step.ts';
import type { UsageMeter } from './usage-meter.ts';
import type { WorkerObserver } from './worker-observer.ts';

export interface SessionOptions {
  readonly link: CoordinatorLink;
  readonly quorum: QuorumOrder;
  readonly workerId: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly timers: Timers;
  readonly engine: Engine;
  readonly dataset: Dataset;
  /** In which gradients travel. */
  readonly buckets: readonly Interval[];
  /** Where workers make local updates in a step; otherwise gradients are those of the engine. */
  readonly localGradients: ShareGradients | undefined;
  readonly checksumEvery: number;
  /** The order of an epoch's samples. */
  readonly orderOf: (epoch: number) => Uint32Array;
  readonly usage: UsageMeter;
  readonly replica: Replica;
  /** What this worker offers the others to read, if it does. */
  readonly vectors: SharedVectors | undefined;
  /** How long it waits for what the others offer. */
  readonly patience: LinkPatience;
  /** The longest chunk of a state that it sends, in floats; `maxChunkFloats` unless given. */
  readonly chunkFloats?: number | undefined;
  readonly observer: WorkerObserver;
  readonly log: (line: string) => void;
  /** What the worker is doing now, for its last words. */
  readonly onPhase: (phase: string) => void;
  /** `eventLoopTurn` unless given. */
  readonly turn?: EventLoopTurn | undefined;
}

/** How a session ends. */
export type SessionEnd =
  | { readonly kind: 'next'; readonly quorum: QuorumOrder }
  | { readonly kind: 'over'; readonly reason: string };

/** @throws whatever else ended this worker */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  const { link, engine, dataset, observer, clock, checksumEvery, usage, orderOf, replica, turn } = options;
  const { generation, rank, worldSize, allReduce: firstAllReduce, microShard, skipNonfinite, inbox } = options.quorum;
  const gradients =
    options.localGradients ??
    (microShard === undefined ? gradientsOfWhole(engine) : gradientsByMicroShards(engine, microShard));
  const peers = createPeerLinks(options.vectors, {
    rank,
    generation,
    floats: replica.feedback?.words ?? engine.parameterCount,
    patience: options.patience,
  });

  let allReduce: AllReduce | undefined;
  function stepsBy(name: AllReduceName): StepRunner {
    const collective = collectiveOf(name);
    allReduce = collective.createRank({
      rank,
      worldSize,
      buckets: options.buckets,
      feedback: replica.feedback,
      sendToHub: link.send,
      exchange: peers.exchange(),
      now: clock.now,
      // Aborted when the link fails, too. `AbortSignal.any` would keep every generation in memory for as long as the link lives.
      signal: inbox.aborted,
    });
    link.setReducedSink(allReduce.receive);
    return createStepRunner({
      engine,
      gradients,
      allReduce,
      feedback: replica.feedback,
      hasHub: collective.createHub !== undefined,
      worldSize,
      link,
      inbox,
      usage,
      signal: inbox.aborted,
      now: clock.now,
      skipsNonfinite: skipNonfinite === true,
      checksumEvery,
      orderOf,
      observer,
      turn,
    });
  }

  /** How many of the others are read over the network; known once they are read. */
  let overNetwork = 0;
  /** All ranks' workers, once they read each other's vectors. */
  let workers: readonly string[] = [options.workerId];
  // Made for the first step: until then the all-reduce may change.
  let [allReduceName, runStep] = [requireKnown(firstAllReduce), undefined as StepRunner | undefined];
  const sizes = chunkSizes(options.chunkFloats);
  const send = ({ body, tensors }: Reply) => link.send(body, tensors);

  async function carryOut(order: Exclude<Order, { type: 'stop' | 'quorum' }>): Promise<void> {
    switch (order.type) {
      case 'assign':
        if (runStep === undefined) {
          runStep = stepsBy(allReduceName);
          if (worldSize > 1) options.log(describeAllReduce(allReduceName, worldSize - 1, overNetwork));
        }
        noteStep(replica, order, workers, await runStep(order));
        break;
      case 'evaluate':
        send(await evaluate(engine, order, usage, inbox.aborted, turn));
        observer.evaluated(order.to - order.from);
        break;
      case 'report-state':
        await sendState(await reportState(engine, order, usage, replica), order.room, sizes, link.send);
        usage.skip();
        break;
      case 'restore':
        send(await restore(engine, order, usage, replica));
        noteRestored(replica, order.applied);
        break;
      case 'predict':
        send(await predict(engine, dataset, order, usage));
        break;
      case 'link': {
        workers = order.ranks.map(({ workerId }) => workerId);
        const linked = await openPeers(order, peers, usage, inbox.aborted);
        overNetwork = linked.overNetwork ?? 0;
        link.send(linked);
        break;
      }
      case 'measure': {
        const { request } = order;
        const found = await measureLink(peers.exchange()?.peers ?? [], {
          now: clock.now,
          timers: options.timers,
          signal: inbox.aborted,
        });
        usage.lap('load');
        link.send({ type: 'measured', request, usage: usage.totals(), link: found });
        break;
      }
      case 'exchange':
        allReduceName = requireKnown(order.allReduce);
        break;
      case 'welcome':
      case 'refuse':
        throw unexpected(order);
      default:
        order satisfies never;
    }
  }

  const namesAwaited = () => (allReduce?.awaited?.() ?? []).map((other) => workers[other] ?? `rank ${other}`);

  /** For whoever looks for the reason why this worker, or another, was given up. */
  function tellAwaited(step: number): void {
    const names = namesAwaited();
    if (names.length > 0)
      options.log(`step ${step + 1} came to nothing here: it waited for the gradient of ${names.join(', ')}`);
  }

  link.setAwaited(namesAwaited);
  try {
    for (;;) {
      options.onPhase('idle');
      const order = await link.nextOrder();
      usage.lap('idle');
      options.onPhase(phaseOf(order));
      if (order.type === 'stop') return { kind: 'over', reason: order.reason };
      if (order.type === 'quorum') return { kind: 'next', quorum: order };
      try {
        await carryOut(order);
      } catch (error) {
        if (error instanceof GradientGone)
          link.fail(new CoordinatorLost('the run went on without this worker', error.message));
        else if (error !== inbox.aborted.reason && !(error instanceof TransferDropped)) throw error;
        if (order.type === 'assign') tellAwaited(order.step);
        link.signal.throwIfAborted();
        // Nothing more is read of this generation, and what a dead worker offered takes room for as long as it is open.
        peers.close();
        // The step came to nothing, and the replica is as it was. Time went by in waiting for whoever was lost.
        usage.lap('wait');
      }
    }
  } finally {
    link.setAwaited(() => []);
    peers.close();
  }
}

async function openPeers(
  { request, ranks }: Extract<Order, { type: 'link' }>,
  peers: PeerLinks,
  usage: UsageMeter,
  aborted: AbortSignal,
): Promise<Body<MessageOf<WorkerMessage, 'linked'>>> {
  const opened = await peers.open(ranks, aborted);
  usage.lap('load');
  const problem = 'problem' in opened ? opened.problem : undefined;
  // A count of none does not travel.
  const overNetwork = 'overNetwork' in opened ? opened.overNetwork || undefined : undefined;
  return { type: 'linked', request, usage: usage.totals(), problem, overNetwork };
}

function requireKnown(name: string): AllReduceName {
  if (isAllReduceName(name)) return name;
  throw new PennygradError('run-failed', `the run's all-reduce '${name}' is not known here`);
}

export function unexpected(order: Order): PennygradError {
  return new PennygradError('run-failed', `the coordinator sent '${order.type}' out of turn`);
}

/** What an order makes a worker do, in a word for people. */
function phaseOf({ type }: Order): string {
  return type === 'assign' ? 'step' : type;
}
