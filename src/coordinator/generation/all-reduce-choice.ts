/** How the gradients of a generation are summed, and why so. */
import type { Codec } from '../../shared/collectives/compression/codec.ts';
import { lengthsOf } from '../../shared/collectives/cost-model.ts';
import { type AllReduceName, type AllReduceOfRun, collectiveAtFirst } from '../../shared/collectives/registry.ts';
import type { Interval } from '../../shared/core/sampling.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { maxMeshSize } from '../../shared/protocol/limits.ts';
import type { RankToRead } from '../../shared/protocol/messages.ts';
import { describeWorker, type Member } from '../membership/worker.ts';
import { chooseByModel, type DecidingLink, isOpenOverNetwork } from './modelled-choice.ts';
import type { Requests } from './requests.ts';

export interface AllReduceChoice {
  readonly allReduce: AllReduceName;
  /** Undefined where there was no choice. */
  readonly reason: string | undefined;
  /** By which links the model decided, where it did. */
  readonly link?: DecidingLink | undefined;
}

/**
 * Ranks read each other's gradients where they show that they can. That they are on one host, or have each other's address, is
 * no proof: containers have files of their own, and firewalls are everywhere.
 * @param chosen for the run
 * @param buckets in which gradients travel
 * @param ask has ranks open each other's vectors, which says why some cannot, and measure their links
 * @param codec in which gradients are compressed, if they are
 */
export async function decideAllReduce(
  chosen: AllReduceOfRun,
  members: readonly Member[],
  buckets: readonly Interval[],
  ask: Pick<Requests, 'link' | 'measure'>,
  codec?: Codec,
): Promise<AllReduceChoice> {
  const allReduce = collectiveAtFirst(members.length, chosen);
  if (allReduce === chosen || members.length === 1) return { allReduce, reason: undefined };
  if (members.length > maxMeshSize) {
    const reason = `${members.length} workers are more than the ${maxMeshSize} that may read each other's gradients`;
    return { allReduce, reason };
  }
  const offers = collectOffers(members);
  if ('problem' in offers) return { allReduce, reason: offers.problem };
  const links = await ask.link(offers.ranks);
  const odd = members.find((_, rank) => links[rank]?.problem !== undefined);
  if (odd !== undefined) {
    return {
      allReduce,
      reason: `${describeWorker(odd)} cannot read the others' gradients: ${links[odd.rank]?.problem}`,
    };
  }
  const areCompressed = codec !== undefined;
  const overNetwork = links.map((rank) => rank.overNetwork ?? 0);
  const ways = describeWays(sumOf(overNetwork), members.length * (members.length - 1), areCompressed);
  if (chosen !== 'auto') return { allReduce: chosen, reason: ways };
  const readers = isOpenOverNetwork(areCompressed) ? members.filter((_, rank) => (overNetwork[rank] ?? 0) > 0) : [];
  const measured = readers.length === 0 ? [] : await ask.measure(readers.map(({ rank }) => rank));
  const modelled = chooseByModel({
    worldSize: members.length,
    buckets: lengthsOf(buckets).map((floats) => codec?.wordsFor(floats) ?? floats),
    areCompressed,
    links: measured,
  });
  const unmeasured = readers.find((_, place) => measured[place] === undefined);
  const problem = unmeasured && `${describeWorker(unmeasured)} could not measure its link`;
  return {
    allReduce: modelled.allReduce,
    reason: [ways, modelled.reason, problem].filter(Boolean).join('; '),
    link: modelled.link,
  };
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
