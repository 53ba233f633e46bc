import { crc32 } from 'node:zlib';

/** The CRC-32 of the parameters' bytes, by which replicas that should be bit-identical are compared. */
export function parameterChecksum(parameters: Float32Array): number {
  return crc32(new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength));
}
