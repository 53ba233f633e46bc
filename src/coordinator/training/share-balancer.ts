/** The shares of a generation's ranks, which follow measured speed where workers differ. */
import type { BalanceMode } from '../../settings/training-settings.ts';
import { type Member, numericsKey } from '../membership/worker.ts';
import type { MemberStep } from '../run-events.ts';
import { beginBalance, rebalance, secondsPerSample } from './share-balance.ts';

export interface ShareBalancer {
  /** Samples of a full global batch, by rank: the weights by which any batch is cut. */
  shares(): readonly number[];
  /** Takes in a committed step, its members in rank order. @returns why the shares changed, if they did */
  observe(members: readonly MemberStep[]): string | undefined;
  /** Seconds that each rank lately took for a sample of its share; undefined where that was not measured. */
  secondsPerSample(): readonly number[] | undefined;
}

/** Workers with the same key should be equally fast, as far as they can say. */
export function speedKey(member: Pick<Member, 'info' | 'ready'>): string {
  return `${numericsKey(member)} at ${member.info.emulatedSpeed ?? 1}`;
}

/**
 * What is known of members' speeds before a generation's first step: what was measured while they trained, or else what they
 * have measured themselves. Only figures of one kind are compared.
 * @param trained seconds a sample, by workerId
 * @returns by rank; undefined where neither kind is known of all
 */
export function knownSpeeds(
  members: readonly Pick<Member, 'info' | 'ready'>[],
  trained: ReadonlyMap<string, number>,
): readonly number[] | undefined {
  const measured = members.flatMap(({ info }) => trained.get(info.workerId) ?? []);
  if (measured.length === members.length) return measured;
  const own = members.flatMap(({ ready: { samplesPerSecond: speed } }) => (speed === undefined ? [] : 1 / speed));
  return own.length === members.length ? own : undefined;
}

/**
 * @param keys by rank, of `speedKey`: where all are alike shares stay even, so that runs repeat bit for bit
 * @param known seconds that each rank takes for a sample, by rank, where that is known before the first step
 * @param unit in samples: shares are multiples of it
 */
export function createShareBalancer(
  mode: BalanceMode,
  globalBatch: number,
  keys: readonly string[],
  known: readonly number[] | undefined = undefined,
  unit = 1,
): ShareBalancer {
  const follows = mode === 'on' || (mode === 'auto' && new Set(keys).size > 1);
  let state = beginBalance(globalBatch, keys.length, follows ? known : undefined, unit);
  return {
    shares: () => state.shares,
    observe(members) {
      if (!follows) return undefined;
      const next = rebalance(state, {
        samples: members.map(({ samples }) => samples),
        busy: members.map(({ phases: { load, compute, apply } }) => load + compute + apply),
        fixed: members.map(({ phases: { load, apply } }) => load + apply),
      });
      state = next.state;
      return next.reason;
    },
    secondsPerSample: () => secondsPerSample(state),
  };
}
