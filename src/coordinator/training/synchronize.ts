/**
 * The beginning of a generation: whoever lacks the state of the last committed step is given it by a member that has it.
 * The same copy lets a newcomer in, and brings back a replica that a loss has left behind.
 */
import { PennygradError } from '../../shared/core/errors.ts';
import type { TrainingState } from '../../shared/model/training-state.ts';
import type { Generation } from '../generation/generation.ts';
import type { Answered } from '../generation/requests.ts';
import type { RunObserver } from '../run-events.ts';
import { requireEqualReplicas } from './replicas.ts';

export type SyncDecision =
  /** All have it. */
  | { readonly kind: 'none' }
  /** `donor` gives it to the others. */
  | { readonly kind: 'copy'; readonly donor: number; readonly receivers: readonly number[] }
  /** Nobody has it: all go on from the last checkpoint. */
  | { readonly kind: 'roll-back'; readonly receivers: readonly number[] };

/**
 * @param applied steps that each rank's replica has seen; undefined where it is as it was made
 * @param step committed steps
 */
export function decideSync(applied: readonly (number | undefined)[], step: number): SyncDecision {
  const hasIt = applied.map((seen = 0) => seen === step);
  const receivers = hasIt.flatMap((has, rank) => (has ? [] : rank));
  if (receivers.length === 0) return { kind: 'none' };
  const donor = hasIt.indexOf(true);
  return donor < 0 ? { kind: 'roll-back', receivers: [...applied.keys()] } : { kind: 'copy', donor, receivers };
}

export interface Saved {
  readonly step: number;
  /** Undefined where nothing was saved: replicas begin as they are made. */
  readonly state: TrainingState | undefined;
}

/**
 * @param step committed steps
 * @param saved the last checkpoint
 * @returns the step from which the members go on: `step`, or that of the checkpoint where nobody has it any more
 * @throws run-failed when replicas that should be equal are not
 */
export async function synchronize(
  generation: Generation,
  step: number,
  saved: Saved,
  observe: RunObserver,
): Promise<number> {
  const applied = generation.applied();
  const decision = decideSync(applied, step);
  const receivers = (ranks: readonly number[]) => generation.members.filter((_, rank) => ranks.includes(rank));
  const isFirst = applied.every((seen) => seen === undefined);
  switch (decision.kind) {
    case 'none':
      if (!isFirst) await ask(generation, undefined, step, observe);
      return step;
    case 'copy': {
      const answers = await ask(generation, decision.donor, step, observe);
      await generation.restore(stateFrom(answers[decision.donor]), step, receivers(decision.receivers));
      return step;
    }
    case 'roll-back':
      if (!isFirst) await ask(generation, undefined, step, observe);
      if (saved.state !== undefined) {
        await generation.restore(saved.state, saved.step, receivers(decision.receivers));
      }
      return saved.step;
    default:
      return decision satisfies never;
  }
}

/** Since they were last heard, members have worked on a step that came to nothing, or waited. */
async function ask(
  generation: Generation,
  donor: number | undefined,
  step: number,
  observe: RunObserver,
): Promise<readonly Answered<'state'>[]> {
  const answers = await generation.reportState((place) => (place === donor ? 'state' : 'checksum'));
  observe({ type: 'spent', members: generation.takeSpent(), redone: true });
  const holders = generation.applied().flatMap((seen = 0, rank) => (seen === step ? rank : []));
  requireEqualReplicas(
    holders.flatMap((rank) => generation.members[rank] ?? []),
    holders.map((rank) => answers[rank]?.message.parametersChecksum),
    step,
  );
  return answers;
}

function stateFrom(answer: Answered<'state'> | undefined): TrainingState {
  const [parameters, ...slots] = answer?.tensors ?? [];
  const iterations = answer?.message.state?.optimizerIterations;
  if (parameters === undefined || iterations === undefined) {
    throw new PennygradError('run-failed', 'a worker sent no complete state for the others');
  }
  return { parameters, optimizer: { iterations, slots } };
}
