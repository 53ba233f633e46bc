/** Vectors that others read in memory where they are on the same host, and over the network where they are not. */
import type { VectorsInMemory, VectorsOnNetwork } from '../protocol/messages.ts';
import type { VectorSharing, VectorWay } from './vectors.ts';

export interface Ways {
  readonly memory: VectorWay<VectorsInMemory>;
  /** Undefined where nobody else is to be reached: the run is on one host. */
  readonly network: VectorWay<VectorsOnNetwork> | undefined;
}

export function shareVectors({ memory, network }: Ways): VectorSharing {
  return {
    async offer(floats) {
      const [inMemory, onNetwork] = await Promise.all([memory.offer(floats), network?.offer(floats)]);
      const problems: string[] = [];
      if ('problem' in inMemory) problems.push(inMemory.problem);
      if (onNetwork !== undefined && 'problem' in onNetwork) problems.push(onNetwork.problem);
      const near = 'own' in inMemory ? inMemory.own : undefined;
      const far = onNetwork !== undefined && 'own' in onNetwork ? onNetwork.own : undefined;
      if (near === undefined && far === undefined) return { problem: problems.join('; ') };
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
      const far = offer.network && (await (network ?? noNetwork).open(offer.network, options));
      if (far !== undefined && 'peer' in far) return far;
      const problems = [near, far].flatMap((way) => way?.problem ?? []);
      return { problem: problems.length === 0 ? 'it offers none' : problems.join('; ') };
    },
  };
}

const noNetwork = {
  async open() {
    return { problem: 'this worker reaches others through memory alone' };
  },
};
