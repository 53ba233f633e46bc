/** How the gradients of a generation are summed, and why so. */
import { type AllReduceName, type AllReduceOfRun, collectiveAtFirst } from '../../shared/collectives/registry.ts';
import type { Interval } from '../../shared/core/sampling.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { maxMeshSize } from '../../shared/protocol/limits.ts';
import type { RankToRead } from '../../shared/protocol/messages.ts';
import { describeWorker, type Member } from '../membership/worker.ts';
import { chooseByModel } from './modelled-choice.ts';
import type { Requests } from './requests.ts';

export interface AllReduceChoice {
  readonly allReduce: AllReduceName;
  /** Undefined where there was no choice. */
  readonly reason: string | undefined;
}

/**
 * Ranks read each other's gradients where they show that they can. That they are on one host, or have each other's address, is
 * no proof: containers have files of their own, and firewalls are everywhere.
 * @param chosen for the run
 * @param buckets in which gradients travel
 * @param link asks ranks to open each other's vectors, and says why some cannot
 * @param compresses whether gradients are compressed
 */
export async function decideAllReduce(
  chosen: AllReduceOfRun,
  members: readonly Member[],
  buckets: readonly Interval[],
  link: Requests['link'],
  compresses = false,
): Promise<AllReduceChoice> {
  const allReduce = collectiveAtFirst(members.length, chosen);
  if (allReduce === chosen || members.length === 1) return { allReduce, reason: undefined };
  if (members.length > maxMeshSize) {
    const reason = `${members.length} workers are more than the ${maxMeshSize} that may read each other's gradients`;
    return { allReduce, reason };
  }
  const offers = collectOffers(members);
  if ('problem' in offers) return { allReduce, reason: offers.problem };
  const links = await link(offers.ranks);
  const odd = members.find((_, rank) => links[rank]?.problem !== undefined);
  if (odd !== undefined) {
    return {
      allReduce,
      reason: `${describeWorker(odd)} cannot read the others' gradients: ${links[odd.rank]?.problem}`,
    };
  }
  const overNetwork = sumOf(links.map((rank) => rank.overNetwork ?? 0));
  const ways = describeWays(overNetwork, members.length * (members.length - 1), compresses);
  if (chosen !== 'auto') return { allReduce: chosen, reason: ways };
  const modelled = chooseByModel(members.length, buckets, overNetwork);
  return { allReduce: modelled.allReduce, reason: [ways, modelled.reason].filter(Boolean).join('; ') };
}

/** @param all links, of each rank to each other */
function describeWays(overNetwork: number, all: number, compresses: boolean): string {
  if (overNetwork === 0) {
    const ways = "all workers are on one host, and read each other's gradients";
    return compresses ? `${ways}; in memory, --compress takes longer than it saves` : ways;
  }
  if (overNetwork === all) return "workers read each other's gradients over the network";
  return "workers read each other's gradients, in memory on one host and over the network between hosts";
}

function collectOffers(
  members: readonly Member[],
): { readonly ranks: readonly RankToRead[] } | { readonly problem: string } {
  const ranks: RankToRead[] = [];
  for (const member of members) {
    const { vectors, vectorsProblem = 'it was not asked to' } = member.ready;
    const { workerId } = member.info;
    if (vectors === undefined)
      return { problem: `${describeWorker(member)} cannot offer its gradients to be read: ${vectorsProblem}` };
    ranks.push({ workerId, vectors });
  }
  return { ranks };
}
