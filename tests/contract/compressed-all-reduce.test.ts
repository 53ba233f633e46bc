/** Every collective that compresses, with every codec, over ways that are simulated. */
import { createMemoryVectors } from '../support/memory-vectors.ts';
import { createNetworkVectors } from '../support/network-vectors.ts';
import { describeCompressed } from './compressed-all-reduce.contract.ts';
import { overFrames } from './reduce-over-frames.ts';
import { overVectors } from './reduce-over-vectors.ts';

for (const codec of ['bf16', 'int8', 'topk:10', 'topk:0.5']) {
  describeCompressed('star, over encoded frames,', codec, (...group) => overFrames('star', ...group));
  describeCompressed('mesh, in memory,', codec, (...group) => overVectors('mesh', createMemoryVectors(), ...group));
  describeCompressed('mesh, over a network,', codec, (...group) =>
    overVectors('mesh', createNetworkVectors()(), ...group),
  );
}
