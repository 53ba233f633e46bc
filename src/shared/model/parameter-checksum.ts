import { crc32 } from 'node:zlib';

/** CRC-32 of the parameters' bytes: equal on two replicas that are bit for bit the same. */
export function parameterChecksum(parameters: Float32Array): number {
  return crc32(new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength));
}
