/** The shares of a generation's ranks, which follow measured speed where workers differ. */
import type { BalanceMode } from '../../../settings/training-settings.ts';
import { type Member, numericsKey } from '../../membership/worker.ts';
import type { MemberStep } from '../../run-events.ts';
import { beginBalance, rebalance, secondsPerSample } from './share-balance.ts';

export interface ShareBalancer {
  /** Samples of a full global batch, by rank: the weights by which any batch is cut. */
  shares(): readonly number[];
  /** Why the first shares are not even, if they are not. */
  readonly firstReason: string | undefined;
  /** Takes in a committed step, its members in rank order. @returns why the shares changed, if they did */
  observe(members: readonly MemberStep[]): string | undefined;
  /** Seconds that each rank lately took for a sample of its share; undefined where that was not measured. */
  secondsPerSample(): readonly number[] | undefined;
}

/** Workers with the same key should be equally fast, as far as they can say. */
export function speedKey(member: Pick<Member, 'info' | 'ready'>): string {
  return `${numericsKey(member)} at ${member.info.emulatedSpeed ?? 1}`;
}

/** What is known of speeds before a generation's first step. */
export interface KnownSpeeds {
  /** By rank. */
  readonly secondsPerSample: readonly number[];
  readonly source: 'trained' | 'self-measured';
}

/**
 * What is known of members' speeds before a generation's first step: what was measured while they trained, or else what they
 * have measured themselves. Only figures of one kind are compared.
 * @param trained seconds a sample, by workerId
 * @returns undefined where neither kind is known of all
 */
export function knownSpeeds(
  members: readonly Pick<Member, 'info' | 'ready'>[],
  trained: ReadonlyMap<string, number>,
): KnownSpeeds | undefined {
  const measured = members.flatMap(({ info }) => trained.get(info.workerId) ?? []);
  if (measured.length === members.length) return { secondsPerSample: measured, source: 'trained' };
  const own = members.flatMap(({ ready: { samplesPerSecond: speed } }) => (speed === undefined ? [] : 1 / speed));
  return own.length === members.length ? { secondsPerSample: own, source: 'self-measured' } : undefined;
}

/**
 * @param keys by rank, of `speedKey`: where all are alike shares stay even, so that runs repeat bit for bit
 * @param unit in samples: shares are multiples of it
 */
export function createShareBalancer(
  mode: BalanceMode,
  globalBatch: number,
  keys: readonly string[],
  known: KnownSpeeds | undefined = undefined,
  unit = 1,
): ShareBalancer {
  const follows = mode === 'on' || (mode === 'auto' && new Set(keys).size > 1);
  const even = beginBalance(globalBatch, keys.length, undefined, unit);
  let state =
    follows && known !== undefined ? beginBalance(globalBatch, keys.length, known.secondsPerSample, unit) : even;
  return {
    shares: () => state.shares,
    firstReason: known && state.shares.join() !== even.shares.join() ? describeFirst(state.shares, known) : undefined,
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

function describeFirst(shares: readonly number[], { source }: KnownSpeeds): string {
  const by = {
    trained: 'by how fast these workers have trained',
    'self-measured': 'by the speeds that the workers measured of themselves',
  };
  return `shares ${shares.join('/')}: ${by[source]}`;
}
