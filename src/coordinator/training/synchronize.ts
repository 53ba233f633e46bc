/**
 * The beginning of a generation: whoever lacks the state of the last committed step is given it by a member that has it.
 * The same copy lets a newcomer in, brings back a replica that a loss has left behind, and heals one that went wrong.
 */
import { PennygradError } from '../../shared/core/errors.ts';
import type { TrainingState } from '../../shared/model/training-state.ts';
import type { Generation } from '../generation/generation.ts';
import type { Answered } from '../generation/requests.ts';
import { describeWorker, type Member } from '../membership/worker.ts';
import type { RunObserver } from '../run-events.ts';
import { findMinority, numericsKey, ReplicasDiffer, requireEqualReplicas } from './replicas.ts';

export type SyncDecision =
  /** Members take the state of others: `donors[rank]` is where rank gets it, undefined where it has it. */
  | { readonly kind: 'copy'; readonly donors: readonly (number | undefined)[] }
  /** Nobody has it: all go on from the last checkpoint. */
  | { readonly kind: 'roll-back' };

export interface Replicas {
  /** Steps that each rank's replica has seen; undefined where it is as it was made. */
  readonly applied: readonly (number | undefined)[];
  /** `numericsKey`, by rank. */
  readonly keys: readonly string[];
  /** Ranks that hold other parameters than most of their key. */
  readonly wrong: readonly number[];
}

/** @param step committed steps */
export function decideSync({ applied, keys, wrong }: Replicas, step: number): SyncDecision {
  const holders = applied.flatMap((seen = 0, rank) => (seen === step && !wrong.includes(rank) ? rank : []));
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
  /** Committed steps. */
  readonly step: number;
  /** The last checkpoint. `state` is undefined where nothing was saved: replicas begin as they are made. */
  readonly saved: { readonly step: number; readonly state: TrainingState | undefined };
  /** Give a replica that differs from most of its kind their state; otherwise it ends the run. */
  readonly heals: boolean;
  readonly observe: RunObserver;
}

/**
 * @returns the step from which the members go on: `step`, or that of the checkpoint where nobody has it any more
 * @throws run-failed when replicas that should be equal are not
 */
export async function synchronize(
  generation: Generation,
  { step, saved, heals, observe }: Synchronization,
): Promise<number> {
  const { members } = generation;
  const applied = generation.applied();
  // Replicas as they are made were compared when the workers got ready.
  const isFirst = applied.every((seen) => seen === undefined);
  const keys = members.map(numericsKey);
  const wrong = isFirst ? [] : await findWrong(generation, step, { heals, observe });
  const decision = decideSync({ applied, keys, wrong }, step);
  switch (decision.kind) {
    case 'copy':
      await copy(generation, decision.donors, step);
      return step;
    case 'roll-back':
      if (saved.state !== undefined) await generation.restore(saved.state, saved.step, members);
      return saved.step;
    default:
      return decision satisfies never;
  }
}

/** Also books what members have done since they were last heard: a step that came to nothing, or waiting. */
async function findWrong(
  generation: Generation,
  step: number,
  { heals, observe }: Pick<Synchronization, 'heals' | 'observe'>,
): Promise<readonly number[]> {
  const answers = await generation.reportState(() => 'checksum');
  observe({ type: 'spent', members: generation.takeSpent(), redone: true });
  const holders = generation.applied().flatMap((seen = 0, rank) => (seen === step ? rank : []));
  const members = holders.flatMap((rank) => generation.members[rank] ?? []);
  const checksums = holders.map((rank) => answers[rank]?.message.parametersChecksum);
  const minority = heals ? findMinority(members.map(numericsKey), checksums) : undefined;
  if (minority === undefined) {
    requireEqual(members, checksums, step);
    return [];
  }
  const wrong = minority.flatMap((place) => members[place] ?? []);
  for (const {
    info: { workerId },
  } of wrong)
    observe({ type: 'healed', workerId, step });
  return wrong.map(({ rank }) => rank);
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

async function copy(generation: Generation, donors: readonly (number | undefined)[], step: number): Promise<void> {
  const { members } = generation;
  if (donors.every((donor) => donor === undefined)) return;
  const answers = await generation.reportState((place) => (donors.includes(place) ? 'state' : 'checksum'));
  for (const donor of new Set(donors)) {
    const giver = donor === undefined ? undefined : members[donor];
    if (donor === undefined || giver === undefined) continue;
    const receivers = members.filter((_, rank) => donors[rank] === donor);
    await generation.restore(stateFrom(answers[donor], describeWorker(giver)), step, receivers);
  }
}

function stateFrom(answer: Answered<'state'> | undefined, who: string): TrainingState {
  const [parameters, ...slots] = answer?.tensors ?? [];
  const iterations = answer?.message.state?.optimizerIterations;
  if (parameters === undefined || iterations === undefined) {
    throw new PennygradError('run-failed', `${who} sent no complete state for the others`);
  }
  return { parameters, optimizer: { iterations, slots } };
}
