/** The shares of a generation's ranks, and their following of measured speed. */

import type { Member } from '../membership/roster.ts';
import type { MemberStep } from '../run-events.ts';
import { replicaKind } from './replicas.ts';
import { type BalanceMode, beginBalance, rebalance } from './share-balance.ts';

export interface ShareBalancer {
  /** Samples of a full global batch, by rank: the weights by which any batch is cut. */
  shares(): readonly number[];
  /** Takes in a committed step. @returns why the shares changed, if they did */
  observe(members: readonly MemberStep[]): string | undefined;
}

/** What workers of the same speed have in common, as far as they can say. */
export function speedKind(member: Pick<Member, 'hello' | 'ready'>): string {
  return `${replicaKind(member)} at ${member.hello.emulatedSpeed ?? 1}`;
}

/** @param kinds by rank, of `speedKind`: the promise that a run repeats bit for bit is kept where all are alike */
export function createShareBalancer(mode: BalanceMode, globalBatch: number, kinds: readonly string[]): ShareBalancer {
  const follows = mode === 'on' || (mode === 'auto' && new Set(kinds).size > 1);
  let state = beginBalance(globalBatch, kinds.length);
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
