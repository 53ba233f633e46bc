/** After the loss of a member: saves what the survivors hold, so that the run can go on from there. */
import { type ErrorCode, messageOf, PennygradError } from '../../shared/core/errors.ts';
import type { Generation } from '../generation/generation.ts';
import { type CheckpointContext, type Position, saveCheckpoint } from './checkpoint.ts';

export type SalvageDecision =
  | { readonly kind: 'save' }
  /** Everything that was committed is in the last checkpoint. */
  | { readonly kind: 'saved' }
  | { readonly kind: 'give-up'; readonly reason: string }
  /** The failure is not the loss of a member. */
  | { readonly kind: 'none' };

export function decideSalvage(failure: {
  readonly code: ErrorCode;
  readonly lost: number;
  /** Members that are left and have the state of all committed steps. */
  readonly holders: number;
  /** Committed steps, and those that the last checkpoint has. */
  readonly step: number;
  readonly savedStep: number;
}): SalvageDecision {
  if (failure.lost === 0) return { kind: 'none' };
  if (failure.step === failure.savedStep) return failure.step === 0 ? { kind: 'none' } : { kind: 'saved' };
  // Every replica has the parameters from which the loss became infinite. The checkpoint before may be better.
  if (failure.code === 'diverged') return { kind: 'none' };
  if (failure.holders === 0) return { kind: 'give-up', reason: 'no worker is left that has them' };
  return { kind: 'save' };
}

/**
 * Where steps are committed, commits are sent to all members at once. So every survivor is at the last committed step, or will
 * be once it has read what was sent to it, and says so in its answer. Where they are not, survivors have been asked how far they
 * are. Only a newcomer that was not given the state yet is at another step.
 * @returns the failure as it is to be reported: with what became of the steps since the last checkpoint
 */
export async function salvage(
  generation: Generation,
  failure: unknown,
  position: Position,
  { savedStep, ...context }: Omit<CheckpointContext, 'wasted'> & { readonly savedStep: number },
): Promise<unknown> {
  // An error of this program says nothing of the members.
  if (!(failure instanceof PennygradError)) return failure;
  const { step } = position;
  const reportLost = (reason: string) =>
    withNote(failure, `the ${step - savedStep} steps since the last checkpoint are lost: ${reason}`);
  for (;;) {
    const lost = generation.lostCount();
    const holders = generation.holders(step).length;
    const decision = decideSalvage({ code: failure.code, lost, holders, step, savedStep });
    switch (decision.kind) {
      case 'none':
        return failure;
      case 'saved':
        return new FailureWithCheckpoint(failure, `the checkpoint has step ${step}`);
      case 'give-up':
        return reportLost(decision.reason);
      case 'save':
        try {
          await saveCheckpoint(generation.abort(step), position, { ...context, wasted: true });
          return new FailureWithCheckpoint(failure, `the checkpoint has step ${step}, from the workers that are left`);
        } catch (error) {
          // If one more was lost meanwhile, the others are asked again.
          if (generation.lostCount() === lost) return reportLost(messageOf(error));
        }
        break;
      default:
        return decision satisfies never;
    }
  }
}

/** Its message says that the checkpoint has all steps. That is not true of one that cannot be written. */
export class FailureWithCheckpoint extends PennygradError {
  /** Without what it says of the checkpoint. */
  readonly failure: PennygradError;

  constructor(failure: PennygradError, note: string) {
    super(failure.code, `${failure.message}; ${note}`, { cause: failure });
    this.failure = failure;
  }
}

function withNote(failure: PennygradError, note: string): PennygradError {
  return new PennygradError(failure.code, `${failure.message}; ${note}`, { cause: failure });
}
