/** The shares of a generation's ranks, which follow measured speed where workers differ. */
import type { BalanceMode } from '../../settings/training-settings.ts';
import type { Member } from '../membership/worker.ts';
import type { MemberStep } from '../run-events.ts';
import { numericsKey } from './replicas.ts';
import { beginBalance, rebalance } from './share-balance.ts';

export interface ShareBalancer {
  /** Samples of a full global batch, by rank: the weights by which any batch is cut. */
  shares(): readonly number[];
  /** Takes in a committed step, its members in rank order. @returns why the shares changed, if they did */
  observe(members: readonly MemberStep[]): string | undefined;
}

/** Workers with the same key should be equally fast, as far as they can say. */
export function speedKey(member: Pick<Member, 'info' | 'ready'>): string {
  return `${numericsKey(member)} at ${member.info.emulatedSpeed ?? 1}`;
}

/** @param keys by rank, of `speedKey`: where all are alike shares stay even, so that runs repeat bit for bit */
export function createShareBalancer(mode: BalanceMode, globalBatch: number, keys: readonly string[]): ShareBalancer {
  const follows = mode === 'on' || (mode === 'auto' && new Set(keys).size > 1);
  let state = beginBalance(globalBatch, keys.length);
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
  };
}
