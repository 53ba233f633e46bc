/** Vectors that others read in memory where they are on the same host, and over the network where they are not. */
import type { VectorsInMemory, VectorsOnNetwork } from '../protocol/messages.ts';
import type { VectorSharing, VectorWay } from './vectors.ts';

export interface Ways {
  readonly memory: VectorWay<VectorsInMemory>;
  readonly network: VectorWay<VectorsOnNetwork>;
}

export function shareVectors({ memory, network }: Ways): VectorSharing {
  return {
    async offer(floats) {
      const [inMemory, onNetwork] = await Promise.all([memory.offer(floats), network.offer(floats)]);
      if ('problem' in inMemory && 'problem' in onNetwork)
        return { problem: `${inMemory.problem}; ${onNetwork.problem}` };
      const near = 'own' in inMemory ? inMemory.own : undefined;
      const far = 'own' in onNetwork ? onNetwork.own : undefined;
      const writers = [near, far].flatMap((writer) => writer ?? []);
      return {
        own: {
          offer: { memory: near?.offer, network: far?.offer },
          begin(slot, attempt) {
            for (const writer of writers) writer.begin(slot, attempt);
          },
          write(slot, from, values) {
            for (const writer of writers) writer.write(slot, from, values);
          },
          lend(slot, from, values) {
            for (const writer of writers) writer.lend(slot, from, values);
          },
          pass(slot, from, values) {
            for (const writer of writers.toReversed()) writer.pass(slot, from, values);
          },
          publish(slot, publication) {
            // What takes longer to arrive leaves first.
            for (const writer of writers.toReversed()) writer.publish(slot, publication);
          },
          close() {
            for (const writer of writers) writer.close();
          },
        },
      };
    },
    async open(offer, options) {
      const near = offer.memory && (await memory.open(offer.memory, options));
      if (near !== undefined && 'peer' in near) return near;
      const far = offer.network && (await network.open(offer.network, options));
      // Where the network was tried, that is what should have worked.
      return far ?? near ?? { problem: 'it offers none' };
    },
  };
}
