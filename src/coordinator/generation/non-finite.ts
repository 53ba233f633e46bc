/** What is not finite of the steps under way: whose part it is, and on which samples. */
import type { NonFinite } from '../../shared/collectives/collective.ts';
import { nameSamples } from '../../shared/core/sample-names.ts';
import type { Interval } from '../../shared/core/sampling.ts';
import type { Member } from '../membership/worker.ts';
import type { Vote } from './generation-state.ts';
import { diverged, type Refusal } from './refusal.ts';

/** What is not finite: what became of it, and where in it. */
export interface Problem {
  readonly what: string;
  readonly detail: string;
}

export interface NonFiniteParts {
  /** @param shares of a step, by rank: positions of the epoch's order */
  assign(step: number, epoch: number, shares: readonly Interval[]): void;
  /** What a rank is told where it ends the run. */
  refuse(rank: number, step: number, problem: Problem): Refusal;
  /** Keeps it for the commit. What samples it is on is found out there, for one rank: the order of an epoch takes long. */
  note(rank: number, step: number, problem: Problem): void;
  /** The first rank's part that was noted, and how many others there are. Undefined where all is finite. */
  describe(step: number): string | undefined;
  forget(step: number): void;
}

/** @param orderOf the order of an epoch's samples, for messages that name images; without it they name positions alone */
export function createNonFiniteParts(
  members: readonly Member[],
  orderOf: ((epoch: number) => Uint32Array) | undefined,
): NonFiniteParts {
  /** What each rank was assigned of a step. */
  const assigned = new Map<number, { readonly epoch: number; readonly shares: readonly Interval[] }>();
  /** What is not finite of a step, by rank. */
  const noted = new Map<number, Map<number, Problem>>();

  function samplesOf(rank: number, step: number): string {
    const { epoch = 0, shares = [] } = assigned.get(step) ?? {};
    const share = shares[rank] ?? { from: 0, to: 0 };
    return nameSamples(epoch, share, orderOf?.(epoch).subarray(share.from, share.to));
  }

  return {
    assign(step, epoch, shares) {
      assigned.set(step, { epoch, shares });
    },
    refuse: (rank, step, { what, detail }) =>
      diverged(`${what} at step ${step + 1}, on ${samplesOf(rank, step)}${detail}`),
    note(rank, step, problem) {
      const known = noted.get(step) ?? new Map<number, Problem>();
      noted.set(step, known);
      if (!known.has(rank)) known.set(rank, problem);
    },
    describe(step) {
      const [first, ...others] = [...(noted.get(step) ?? [])].sort(([a], [b]) => a - b);
      if (first === undefined) return undefined;
      const [rank, { what, detail }] = first;
      const also =
        others.length === 0 ? '' : `; ${others.length} other worker${others.length === 1 ? '' : 's'} likewise`;
      return `worker ${members[rank]?.info.workerId} (rank ${rank}): ${what} on ${samplesOf(rank, step)}${detail}${also}`;
    },
    forget(step) {
      assigned.delete(step);
      noted.delete(step);
    },
  };
}

export function describeGradient({ float, value }: NonFinite): Problem {
  return { what: `the gradient became ${value}`, detail: `, in float ${float}` };
}

/** What is not finite of a rank's part, as its vote says. */
export function findProblem({ lossSum, nonFinite }: Vote): Problem | undefined {
  if (!Number.isFinite(lossSum)) return { what: `the loss became ${lossSum}`, detail: '' };
  return nonFinite === undefined ? undefined : describeGradient(nonFinite);
}
