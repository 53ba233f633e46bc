/** Every collective, over the sockets and files that it has in a run. */
import { collectiveOf } from '../../src/shared/collectives/registry.ts';
import { systemTimers } from '../../src/shared/core/timers.ts';
import { vectorsInMemory } from '../../src/shared/transport/vectors-in-memory.ts';
import { createVectorsOnNetwork } from '../../src/shared/transport/vectors-on-network.ts';
import { describeAllReduce } from './all-reduce.contract.ts';
import { describeCompressed } from './compressed-all-reduce.contract.ts';
import { overSockets } from './reduce-over-sockets.ts';
import { overVectors } from './reduce-over-vectors.ts';

for (const name of ['star', 'tree'] as const) {
  const { numerics } = collectiveOf(name);
  describeAllReduce(`${name}, over ZeroMQ,`, numerics, (...sizes) => overSockets(name, ...sizes));
}
const findReached = async () => ({ host: '127.0.0.1', advertised: ['127.0.0.1'] });
const network = createVectorsOnNetwork({ findReached, timers: systemTimers });
for (const name of ['mesh', 'mesh-two-shot', 'ring'] as const) {
  const { numerics } = collectiveOf(name);
  describeAllReduce(`${name}, through files,`, numerics, (...sizes) => overVectors(name, vectorsInMemory, ...sizes));
  describeAllReduce(`${name}, over ZeroMQ,`, numerics, (...sizes) => overVectors(name, network, ...sizes));
}
// Words of any bits travel, NaN among them.
for (const codec of ['int8', 'topk:0.5']) {
  describeCompressed('star, over ZeroMQ,', codec, (...group) => overSockets('star', ...group));
  describeCompressed('mesh, through files,', codec, (...group) => overVectors('mesh', vectorsInMemory, ...group));
  describeCompressed('mesh, over ZeroMQ,', codec, (...group) => overVectors('mesh', network, ...group));
}
