/** Largest difference between two vectors, relative to the largest magnitude in `expected`; NaN if either has one. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i] ?? Number.NaN;
    const error = Math.abs((actual[i] ?? Number.NaN) - value);
    if (Number.isNaN(error)) return Number.NaN;
    difference = Math.max(difference, error);
    magnitude = Math.max(magnitude, Math.abs(value));
  }
  return magnitude === 0 ? difference : difference / magnitude;
}

export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [left, right] = [a, b].map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
  return left !== undefined && right !== undefined && left.equals(right);
}
