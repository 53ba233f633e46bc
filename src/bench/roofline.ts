/**
 * The most floating-point operations that one core does in a second with the instructions WebAssembly has: 128-bit
 * fused multiply-add, two operations each. Undefined where it cannot be measured.
 */
export async function peakFlops(): Promise<number | undefined> {
  return undefined;
}
