/** Every collective, over ways that are simulated. */
import { collectiveOf } from '../../src/shared/collectives/registry.ts';
import { createMemoryVectors } from '../support/memory-vectors.ts';
import { createNetworkVectors } from '../support/network-vectors.ts';
import { describeAllReduce } from './all-reduce.contract.ts';
import { overFrames } from './reduce-over-frames.ts';
import { overVectors } from './reduce-over-vectors.ts';

for (const name of ['star', 'tree'] as const) {
  const { numerics } = collectiveOf(name);
  describeAllReduce(`${name}, over encoded frames,`, numerics, (...sizes) => overFrames(name, ...sizes));
}
for (const name of ['mesh', 'mesh-two-shot', 'ring'] as const) {
  const { numerics } = collectiveOf(name);
  const [memory, network] = [createMemoryVectors, () => createNetworkVectors()()];
  describeAllReduce(`${name}, in memory,`, numerics, (...sizes) => overVectors(name, memory(), ...sizes));
  describeAllReduce(`${name}, over a network,`, numerics, (...sizes) => overVectors(name, network(), ...sizes));
}
