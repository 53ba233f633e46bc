/** Vectors that simulated processes read of each other: what `shareVectors` does with files. */
import type { Attempt } from '../../src/shared/protocol/messages.ts';
import { slotOf, type VectorSharing } from '../../src/shared/transport/shared-vectors.ts';

interface Slot {
  readonly vector: Float32Array;
  published: Attempt | undefined;
}

/** @param hostOf the host of whoever offers next */
export function createMemoryVectors(hostOf: () => string = () => 'host'): VectorSharing {
  const files: (readonly Slot[])[] = [];
  return {
    offer(floats) {
      const slots = [0, 1].map((): Slot => ({ vector: new Float32Array(floats), published: undefined }));
      const at = (slot: number) => slots[slot] as Slot;
      files.push(slots);
      return {
        own: {
          offer: { host: hostOf(), pid: 1, fd: files.length - 1, secret: 'x'.repeat(32) },
          clear(slot) {
            at(slot).published = undefined;
          },
          write: (slot, from, values) => at(slot).vector.set(values, from),
          publish(slot, { generation, step, attempt }) {
            if (slot !== slotOf(step)) throw new Error(`step ${step} in slot ${slot}`);
            at(slot).published = { generation, step, attempt };
          },
          close() {},
        },
      };
    },
    open({ fd }) {
      const slots = files[fd];
      if (slots === undefined) return { problem: 'there is no such file' };
      const at = (slot: number) => slots[slot] as Slot;
      return {
        peer: {
          read: (slot, from, target) => target.set(at(slot).vector.subarray(from, from + target.length)),
          published: (slot) => at(slot).published,
          close() {},
        },
      };
    },
  };
}
