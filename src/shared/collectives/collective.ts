/**
 * All-reduce: every rank hands in a vector, and every rank gets the sum over all ranks, the same bits everywhere.
 *
 * Vectors are sums over samples already, so the sum over ranks is weighted by samples without another factor. Sums
 * never depend on the order of arrival, so that a run is reproducible.
 *
 * A collective has a side for each rank and, where the coordinator does the adding, a hub. A new one is a folder with a
 * `Collective`, and a line in `registry.ts`.
 */
import { PennygradError } from '../core/errors.ts';
import type { Interval } from '../core/sampling.ts';
import type { Attempt, Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../protocol/messages.ts';
import type { PeerVectors, VectorWriter } from '../transport/vectors.ts';
import type { Codec } from './compression/codec.ts';
import type { ErrorFeedback } from './compression/error-feedback.ts';

/** What ranks send to the hub, and the hub to ranks. */
export type ToHub = MessageOf<WorkerMessage, 'contribute'>;
export type FromHub = MessageOf<CoordinatorMessage, 'reduced'>;

export interface Collective {
  /**
   * - rank-order: the sum is ((rank 0 + rank 1) + rank 2) + …, each partial sum rounded to float32. All collectives that
   *   say so give the same bits.
   * - deterministic: the same bits on all ranks and in every run, in an order of its own.
   */
  readonly numerics: 'rank-order' | 'deterministic';
  /** Whether ranks read each other's vectors (`RankOptions.exchange`). They have to show first that they can. */
  readonly readsPeers?: true;
  /** Whether gradients may travel compressed (`RankOptions.feedback`, `HubOptions.codec`). */
  readonly compresses?: true;
  createRank(options: RankOptions): AllReduce;
  /**
   * With a hub a step is applied when the coordinator commits it. Without one each rank looks at its own gradient before it
   * votes, and applies the step as soon as it has the sum.
   */
  readonly createHub?: (options: HubOptions) => AllReduceHub;
}

/** One that `--all-reduce` offers. */
export interface OfferedCollective extends Collective {
  /** What it does, for `--help`. */
  readonly description: string;
}

export interface RankOptions {
  readonly rank: number;
  readonly worldSize: number;
  /** In which gradients travel; the same on every rank. */
  readonly buckets: readonly Interval[];
  /** Sends to the hub. Tensors may not change until the attempt is committed. */
  readonly sendToHub: (body: Body<ToHub>, tensors: readonly Float32Array[]) => void;
  /**
   * Compresses what this rank sends; undefined where gradients travel as they are. The collective never settles it: whether a
   * step is applied, others decide.
   */
  readonly feedback?: ErrorFeedback | undefined;
  /** Where ranks read each other's vectors, if they do. */
  readonly exchange?: Exchange | undefined;
  /** Seconds of a steady clock. */
  readonly now: () => number;
  /**
   * Ends the generation: every wait rejects with its reason, now and later. A sum that is complete by then is handed over
   * all the same.
   */
  readonly signal: AbortSignal;
}

/** Vectors that the ranks of a generation can read of each other. */
export interface Exchange {
  readonly own: VectorWriter;
  /** By rank; undefined at this rank's own place. */
  readonly peers: readonly (PeerVectors | undefined)[];
  /** Calls the listener, and no other, whenever a peer may have published something. */
  listen(listener: () => void): void;
}

/** What a rank's samples of a step came to: positions `[from, to)` of the epoch's order. */
export interface StepPart {
  readonly from: number;
  readonly to: number;
  readonly lossSum: number;
  readonly correct: number;
  /** Its loss and its gradient. Where one rank's part is not, nobody applies the step. */
  readonly areFinite: boolean;
}

/** A step is applied by all ranks or by none. */
export function isStepSkipped(parts: readonly StepPart[]): boolean {
  return parts.some(({ areFinite }) => !areFinite);
}

/** A rank's side of one generation. */
export interface AllReduce {
  /**
   * Begins the reduction of one attempt at a step. The parts of the vectors are handed over as they become ready. From then on
   * until the attempt is committed the caller may not change them; a collective that compresses adds to them what it has kept
   * back. One reduction at a time; a new one replaces an aborted one.
   * @param vectors one; in a deterministic run one for each of the rank's nodes (tree/), from left to right
   * @throws if a vector has not the length that the ranks agreed on
   */
  start(attempt: Attempt, vectors: readonly Float32Array[]): Reduction;
  /** Takes a message from the hub; one that belongs to no pending reduction is ignored. */
  receive(message: FromHub, tensors: readonly Float32Array[]): void;
  /** The ranks whose gradients a reduction waits for, or waited for when it was aborted, where this rank reads them. */
  awaited?(): readonly number[];
}

export interface Reduction {
  /**
   * `vectors[part][from .. to − 1]` are final. Never blocks; intervals may come in any order, but no float twice.
   * @param part 0 unless given
   */
  ready(from: number, to: number, part?: number): void;
  /**
   * Everything is final: resolves with the sum over ranks.
   *
   * `vote` is called once, when everything was handed over: this rank's part of the attempt can no longer fail on its side.
   * That is before the sum is there, which saves the vote's round trip.
   *
   * Rejects with `GradientGone` where the other ranks have gone on without this one.
   */
  finish(part: StepPart, vote: () => void): Promise<Reduced>;
}

export interface Reduced {
  /** The sum over ranks; the collective's own buffer, valid until the next reduction starts. */
  readonly sum: Float32Array;
  /** All ranks' parts of the step, in rank order; undefined where only the coordinator knows them. */
  readonly parts: readonly StepPart[] | undefined;
  /** Seconds of `finish` spent waiting for slower ranks: the straggler wait, apart from the communication. */
  readonly waitSeconds: number;
  /** Bytes of gradients that this rank exchanged. */
  readonly bytes: { readonly sent: number; readonly received: number };
}

export interface HubOptions {
  readonly worldSize: number;
  readonly buckets: readonly Interval[];
  /** Whether it takes what is not finite, because nobody will apply such a sum. */
  readonly takesNonFinite?: boolean | undefined;
  /** In which ranks send their buckets; undefined where they send floats. Sums are sent as floats. */
  readonly codec?: Codec | undefined;
  /** Samples of a micro-shard, where the run sums by them. */
  readonly microShard?: number | undefined;
}

/** The coordinator's side of one generation. Pure state: it sends nothing itself. */
export interface AllReduceHub {
  /** An attempt begins. @param shares samples of the global batch by rank, counted from its first */
  expect(attempt: Attempt, shares: readonly Interval[]): void;
  /** @param now seconds, of any steady clock */
  receive(rank: number, message: Body<ToHub>, tensors: readonly Float32Array[], now: number): HubOutcome;
  /** How many buckets of the rank's vectors of an attempt have not come. */
  missing(rank: number, attempt: Attempt): number;
  /** The attempt is committed or aborted: nothing of it is kept. */
  forget(attempt: Attempt): void;
}

export type HubOutcome =
  /** Other ranks' parts are missing. */
  | { readonly kind: 'pending'; readonly nonFinite?: NonFinite | undefined }
  /** To be sent now. */
  | { readonly kind: 'reply'; readonly replies: readonly HubReply[]; readonly nonFinite?: NonFinite | undefined }
  /** No rank that does its part sends this: the reason says what was expected, and what came. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Not taken. */
  | ({ readonly kind: 'diverged' } & NonFinite);

/** A float of a rank's gradient that is NaN, infinite, or so large that the sum over ranks could be. */
export interface NonFinite {
  readonly float: number;
  readonly value: number;
}

export interface HubReply {
  readonly rank: number;
  readonly body: Body<FromHub>;
  readonly tensors: readonly Float32Array[];
}

/** Others went on without this rank, which stood still after it had published its part. It has not applied the step. */
export class GradientGone extends PennygradError {
  constructor(message: string) {
    super('quorum-lost', message);
    this.name = 'GradientGone';
  }
}
