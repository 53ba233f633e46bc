/** WebAssembly memory that only grows: allocations are never freed or moved. */
import { PennygradError } from '../../../shared/core/errors.ts';

export interface FlatMemory {
  readonly memory: WebAssembly.Memory;
  /** The address of new zero bytes, a multiple of 64. @throws PennygradError if memory runs out */
  allocate(bytes: number): number;
  /** Views are only valid until the next allocation, which may move the buffer. */
  floats(address: number, length: number): Float32Array;
  words(address: number, length: number): Int32Array;
  bytes(address: number, length: number): Uint8Array;
}

const pageBytes = 65_536;
const alignment = 64;

export function createFlatMemory(): FlatMemory {
  const memory = new WebAssembly.Memory({ initial: 1 });
  // Address 0 stands for "none" in the kernels.
  let end = alignment;
  return {
    memory,
    allocate(bytes) {
      const address = end;
      end += Math.ceil(bytes / alignment) * alignment;
      const missing = end - memory.buffer.byteLength;
      if (missing > 0) grow(memory, Math.ceil(missing / pageBytes));
      return address;
    },
    floats: (address, length) => new Float32Array(memory.buffer, address, length),
    words: (address, length) => new Int32Array(memory.buffer, address, length),
    bytes: (address, length) => new Uint8Array(memory.buffer, address, length),
  };
}

function grow(memory: WebAssembly.Memory, pages: number): void {
  try {
    memory.grow(pages);
  } catch {
    const mebibytes = Math.round((memory.buffer.byteLength + pages * pageBytes) / 2 ** 20);
    throw new PennygradError(
      'run-failed',
      `out of WebAssembly memory: ${mebibytes} MiB are needed; use a smaller model or dataset, or another --backend`,
    );
  }
}
