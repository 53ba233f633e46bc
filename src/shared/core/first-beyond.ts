/** The largest number that float32 holds. */
export const largestFloat32 = 2 ** 128 - 2 ** 104;

/**
 * Where a vector has a float that is NaN or larger than a bound. A vector that is in order, as nearly all are, takes one
 * multiplication and one addition a float: if the squares together are within the bound's, so is each of them.
 * @param bound on the magnitude, up to the largest float32
 * @returns the index of the first such float; undefined if there is none
 */
export function firstBeyond(vector: Float32Array, bound: number): number | undefined {
  const whole = vector.length - (vector.length % 4);
  // Four sums do not wait for each other.
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    a += (vector[i] as number) ** 2;
    b += (vector[i + 1] as number) ** 2;
    c += (vector[i + 2] as number) ** 2;
    d += (vector[i + 3] as number) ** 2;
  }
  for (let i = whole; i < vector.length; i++) a += (vector[i] as number) ** 2;
  if (a + b + c + d <= bound ** 2) return undefined;
  const index = vector.findIndex((value) => !(Math.abs(value) <= bound));
  return index < 0 ? undefined : index;
}
