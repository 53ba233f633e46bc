/** How gradients go in a generation, for the worker's own log. */
import { type AllReduceName, collectiveOf } from '../shared/collectives/registry.ts';
import { countOf } from '../shared/core/number-format.ts';

/**
 * @param others members besides this worker, one at least
 * @param overNetwork how many of them it reads over the network, if it reads them
 */
export function describeAllReduce(name: AllReduceName, others: number, overNetwork: number): string {
  if (collectiveOf(name).readsPeers !== true) {
    return `all-reduce ${name}: gradients go to the coordinator, which sends back their sum`;
  }
  const inMemory = others - overNetwork;
  const ways = [
    ...(inMemory > 0 ? [`${inMemory} in memory`] : []),
    ...(overNetwork > 0 ? [`${overNetwork} over the network`] : []),
  ];
  return `all-reduce ${name}: this worker reads the gradients of ${countOf(others, 'other worker')}, ${ways.join(' and ')}`;
}
