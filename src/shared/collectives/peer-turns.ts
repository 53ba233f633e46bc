/**
 * An all-reduce between ranks that read each other's vectors in several stages, which the ranks go through side by side: what such
 * collectives have in common. Whatever a rank can do it does when it looks, and it looks whenever something may be new.
 */
import { createDeferred, type Deferred } from '../core/deferred.ts';
import type { Interval } from '../core/sampling.ts';
import type { Attempt } from '../protocol/messages.ts';
import { followBuckets } from './bucket-progress.ts';
import type { AllReduce, RankOptions, Reduced } from './collective.ts';
import { type PublishedPart, waitForSlower } from './published-parts.ts';

/** An attempt at a step. */
export interface Turn {
  readonly attempt: Attempt;
  readonly vector: Float32Array;
  /** What each rank's samples came to, as far as it is known; this rank's own once all of its gradient is final. */
  readonly parts: (PublishedPart | undefined)[];
  /** When all gradients were there, and what this rank adds up of them was added up; undefined before. */
  addedUpAt: number | undefined;
  readonly done: Deferred<void>;
}

/** What is different between collectives: the stages, as a rank sees them. `Own` is what a turn has besides. */
export interface Stages<Own, Piece extends Interval> {
  /** In which the own gradient is handed over. */
  readonly pieces: readonly Piece[];
  /** The last one that is complete is in it. */
  readonly sum: Float32Array;
  readonly bytes: Reduced['bytes'];
  /** Whether it can do something as soon as a part of the own gradient is final, and not only when all of it is. */
  readonly isEager?: true;
  /** A turn begins. */
  begin(attempt: Attempt): Own;
  /** The own gradient is final there. */
  handOver(turn: Turn & Own, piece: Piece): void;
  /** All of it is, and the turn knows the own part. */
  handedOver?(turn: Turn & Own, part: PublishedPart): void;
  /** Does what can be done. @returns whether the sum is complete @throws GradientGone if it never will be */
  advance(turn: Turn & Own): boolean;
  /** The ranks that a turn waits for, or waited for when it was given up. Must not throw. */
  missing(turn: Turn & Own): readonly number[];
}

export function createPeerTurns<Own extends object, Piece extends Interval>(
  { rank, buckets, now, signal }: Pick<RankOptions, 'rank' | 'buckets' | 'now' | 'signal'>,
  { peers, listen }: Pick<NonNullable<RankOptions['exchange']>, 'peers' | 'listen'>,
  stages: Stages<Own, Piece>,
): AllReduce {
  const floats = buckets.at(-1)?.to ?? 0;
  /** The turn that this rank waits for, or gave up. */
  let awaited: (Turn & Own) | undefined;
  /** The turn that is under way: once it is done, what others show belongs to the next one. */
  let current: (Turn & Own) | undefined;

  function look(turn: Turn & Own): void {
    if (turn !== current) return;
    try {
      if (!stages.advance(turn)) return;
      turn.done.resolve();
    } catch (error) {
      turn.done.reject(error);
    }
    current = undefined;
  }

  /** What is complete when the generation ends still counts: others may have applied it. */
  async function settled(turn: Turn & Own): Promise<void> {
    function giveUp(): void {
      look(turn);
      turn.done.reject(signal.reason);
      current = undefined;
    }
    awaited = turn;
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else look(turn);
    await turn.done.promise.finally(() => signal.removeEventListener('abort', giveUp));
  }

  function begin(attempt: Attempt, vector: Float32Array): Turn & Own {
    if (vector.length !== floats) throw new Error(`all-reduce: ${vector.length} floats, expected ${floats}`);
    const done = createDeferred<void>();
    const parts = peers.map(() => undefined);
    return Object.assign({ attempt, vector, parts, addedUpAt: undefined, done }, stages.begin(attempt));
  }

  return {
    start(attempt, [vector = new Float32Array(0)]) {
      const startedAt = now();
      const turn = begin(attempt, vector);
      current = turn;
      awaited = undefined;
      listen(() => look(turn));
      const progress = followBuckets(stages.pieces, 1, (_, place) =>
        stages.handOver(turn, stages.pieces[place] as Piece),
      );
      return {
        ready(from, to) {
          progress.ready(from, to, 0);
          if (stages.isEager) look(turn);
        },
        async finish(part, vote) {
          signal.throwIfAborted();
          progress.rest();
          const finalAt = now();
          const ownPart = { part, computeSeconds: finalAt - startedAt };
          turn.parts[rank] = ownPart;
          stages.handedOver?.(turn, ownPart);
          vote();
          await settled(turn);
          const parts = turn.parts.flatMap((one) => one?.part ?? []);
          // Sums come without waiting for anybody who computes.
          const waitSeconds = waitForSlower((turn.addedUpAt ?? finalAt) - finalAt, ownPart, turn.parts, peers);
          return { sum: stages.sum, parts, waitSeconds, bytes: stages.bytes };
        },
      };
    },
    receive() {},
    awaited: () => (awaited === undefined ? [] : stages.missing(awaited)),
  };
}
