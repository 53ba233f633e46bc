/** The kernels over a memory of their own, without tfjs. */
import { instantiateKernels, type Kernels, type SimdFlavour } from '../../src/engine/wasm/kernel-module.ts';

export interface KernelMemory {
  readonly kernels: Kernels;
  /** Address of a copy of `values`, at an odd multiple of four: kernels must not count on more. */
  put(values: ArrayLike<number>): number;
  putBytes(values: Uint8Array): number;
  /** Address of room for `floats`, filled with NaN so that what is not written shows. */
  room(floats: number): number;
  /** A view of what is there. */
  read(address: number, floats: number): Float32Array;
  /** Forgets everything; addresses given out are free to be given again. */
  clear(): void;
}

const pages = 256;
const firstAddress = 1028;
/** Left between blocks, so that writing past the end of one is seen. */
const guardBytes = 64;

export async function openKernelMemory(flavour: SimdFlavour): Promise<KernelMemory> {
  const memory = new WebAssembly.Memory({ initial: pages });
  const kernels = await instantiateKernels(flavour, memory);
  let next = firstAddress;
  const take = (bytes: number): number => {
    const address = next;
    next += Math.ceil(bytes / 8) * 8 + guardBytes;
    if (next > memory.buffer.byteLength) throw new Error('the test needs more memory');
    new Float32Array(memory.buffer, address, (next - address) / 4).fill(Number.NaN);
    return address;
  };
  return {
    kernels,
    put(values) {
      const address = take(values.length * 4);
      new Float32Array(memory.buffer, address, values.length).set(values);
      return address;
    },
    putBytes(values) {
      const address = take(values.length);
      new Uint8Array(memory.buffer, address, values.length).set(values);
      return address;
    },
    room: (floats) => take(floats * 4),
    read: (address, floats) => new Float32Array(memory.buffer, address, floats),
    clear() {
      next = firstAddress;
    },
  };
}

/** Whether the bytes behind a block of `room` are untouched. */
export function guardIsIntact(memory: KernelMemory, address: number, floats: number): boolean {
  return memory.read(address + floats * 4, guardBytes / 4).every(Number.isNaN);
}
