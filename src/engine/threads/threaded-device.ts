/** An engine's device with its threads, for display: `wasm, relaxed SIMD, 2 threads`. */
export function threadedDevice(device: string, threads: number): string {
  return threads === 1 ? device : `${device}, ${threads} threads`;
}
