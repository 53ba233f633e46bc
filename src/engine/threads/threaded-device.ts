/** What computes, in words, where several threads do: `wasm, relaxed SIMD, 2 threads`. */
export function threadedDevice(device: string, threads: number): string {
  return threads === 1 ? device : `${device}, ${threads} threads`;
}
