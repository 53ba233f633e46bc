/**
 * The beginning of a generation: whoever lacks the state from which training goes on is given it by a member that has it.
 * The same copy lets a newcomer in, brings back a replica that a loss has left behind, heals one that went wrong, and mends a
 * commit that a dying coordinator told to some members only.
 */
import { PennygradError } from '../../shared/core/errors.ts';
import type { TrainingState } from '../../shared/model/training-state.ts';
import { asMade, isSameState } from '../../shared/protocol/applied.ts';
import type { Applied } from '../../shared/protocol/messages.ts';
import type { Generation } from '../generation/generation.ts';
import type { Answered } from '../generation/requests.ts';
import { describeWorker, type Member, numericsKey } from '../membership/worker.ts';
import type { RunObserver } from '../run-events.ts';
import type { ToldState } from './catch-up.ts';
import { findMinority, ReplicasDiffer, requireEqualReplicas } from './replicas.ts';

export type SyncDecision =
  /** Members take the state of others: `donors[rank]` is where rank gets it, undefined where it has it. */
  | { readonly kind: 'copy'; readonly donors: readonly (number | undefined)[] }
  /** Nobody has it: all go on from the last checkpoint. */
  | { readonly kind: 'roll-back' };

export interface Replicas {
  /** What each rank's replica has seen; undefined where it is as it was made. */
  readonly applied: readonly (Applied | undefined)[];
  /** `numericsKey`, by rank. */
  readonly keys: readonly string[];
  /** Ranks that hold other parameters than most of their key. */
  readonly wrong: readonly number[];
}

export interface KnownStates {
  /** The last committed step, as far as this process knows. */
  readonly committed: Applied;
  /** The last checkpoint. */
  readonly saved: Applied;
  /** Whether the run's record has led to this state, and not to another one after as many steps. */
  readonly isRecorded: (state: Applied) => boolean;
}

/**
 * The state from which training goes on. The highest step that any member has wins, if the run's record has it: a worker may
 * also have trained steps that were lost and trained again without it.
 * @param applied what each rank's replica has seen; undefined where it is as it was made
 */
export function chooseState(
  applied: readonly (Applied | undefined)[],
  { committed, saved, isRecorded }: KnownStates,
): Applied {
  const isKnown = (state: Applied) => isSameState(state, committed) || (state.step > saved.step && isRecorded(state));
  const latest = applied.flatMap((state) => state ?? []).sort((a, b) => b.step - a.step);
  return latest.find(isKnown) ?? saved;
}

/** @param state from which training goes on */
export function decideSync({ applied, keys, wrong }: Replicas, state: Applied): SyncDecision {
  const holders = applied.flatMap((seen = asMade, rank) =>
    isSameState(seen, state) && !wrong.includes(rank) ? rank : [],
  );
  if (holders.length === 0) return { kind: 'roll-back' };
  return {
    kind: 'copy',
    donors: keys.map((key, rank) => {
      if (holders.includes(rank)) return undefined;
      // Replicas of one key must be equal bit for bit, and another key may round otherwise.
      return holders.find((holder) => keys[holder] === key) ?? holders[0];
    }),
  };
}

export interface Synchronization {
  /**
   * Takes in what members say of their replicas: some may have steps that are not on record yet.
   * @returns the states that are known then, and whether there were such steps
   */
  readonly learn: (told: readonly ToldState[]) => { readonly known: KnownStates; readonly hasCaughtUp: boolean };
  /** What the last checkpoint holds; undefined where nothing was saved. */
  readonly saved: TrainingState | undefined;
  /** Give a replica that differs from most of its kind their state; otherwise it ends the run. */
  readonly heals: boolean;
  /** How the generation before ended; undefined where this is the first one. */
  readonly before: 'lost' | 'changed' | undefined;
  readonly observe: RunObserver;
}

/**
 * @returns the state from which the members go on
 * @throws run-failed when replicas that should be equal are not
 */
export async function synchronize(
  generation: Generation,
  { learn, saved, heals, before, observe }: Synchronization,
): Promise<Applied> {
  const { members } = generation;
  const keys = members.map(numericsKey);
  // Replicas as they are made were compared when the workers got ready.
  const isNew = before === undefined && generation.isAsMade();
  const told = isNew ? undefined : await generation.reportState(() => 'checksum');
  const { known, hasCaughtUp } = learn(toldBy(members, told ?? []));
  // After a loss, a step that came to nothing; otherwise the end of what was trained.
  const redone = before !== 'changed' && !hasCaughtUp;
  const late = hasCaughtUp || undefined;
  if (told !== undefined) observe({ type: 'spent', members: generation.takeSpent(), redone, late });
  const applied = generation.applied();
  const state = chooseState(applied, known);
  const wrong = told === undefined ? [] : findWrong(generation, told, state, heals);
  const decision = decideSync({ applied, keys, wrong: wrong.map(({ rank }) => rank) }, state);
  switch (decision.kind) {
    case 'copy':
      await copy(generation, decision.donors, state);
      for (const { info } of wrong) observe({ type: 'healed', workerId: info.workerId, step: state.step });
      return state;
    case 'roll-back':
      if (saved !== undefined) await generation.restore(saved, known.saved, members);
      else {
        const trained = members.find(({ rank }) => applied[rank] !== undefined);
        if (trained !== undefined) throw leftBehind(trained);
      }
      return known.saved;
    default:
      return decision satisfies never;
  }
}

/** What members say of their replicas, if they were asked. */
export function toldBy(members: readonly Member[], told: readonly Answered<'state'>[]): readonly ToldState[] {
  return members.map(({ info: { workerId } }, place) => {
    const message = told[place]?.message;
    return { workerId, applied: message?.applied, trained: message?.trained };
  });
}

/** Another coordinator has begun anew with workers that had trained nothing, and then lost them. */
function leftBehind(member: Member): PennygradError {
  const problem = `${describeWorker(member)} has a state that this run has gone back behind`;
  const advice = 'no checkpoint was saved that it could be given; start the workers again, and then resume the run';
  return new PennygradError('quorum-lost', `${problem}, and ${advice}`);
}

/** Those whose replicas hold other parameters than most of their kind. @throws run-failed where they are not healed */
function findWrong(
  generation: Generation,
  answers: readonly Answered<'state'>[],
  state: Applied,
  heals: boolean,
): readonly Member[] {
  const applied = generation.applied();
  const members = generation.members.filter(({ rank }) => isSameState(applied[rank] ?? asMade, state));
  const checksums = members.map(({ rank }) => answers[rank]?.message.parametersChecksum);
  const minority = heals ? findMinority(members.map(numericsKey), checksums) : undefined;
  if (minority !== undefined) return members.filter((_, place) => minority.includes(place));
  requireEqual(members, checksums, state.step);
  return [];
}

/** Whatever differs now, no other generation would mend. */
function requireEqual(members: readonly Member[], checksums: readonly (number | undefined)[], step: number): void {
  try {
    requireEqualReplicas(members, checksums, step);
  } catch (error) {
    if (!(error instanceof ReplicasDiffer)) throw error;
    throw new PennygradError('run-failed', `${error.message}; no majority of their kind says which is right`);
  }
}

async function copy(generation: Generation, donors: readonly (number | undefined)[], state: Applied): Promise<void> {
  for (const donor of generation.members) {
    const receivers = generation.members.filter(({ rank }) => donors[rank] === donor.rank);
    if (receivers.length > 0) await generation.copy(donor, state, receivers);
  }
}
