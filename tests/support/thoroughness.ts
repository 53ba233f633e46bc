/** How hard the suite looks: quickly while one works, thoroughly in `npm test` and where everything is checked. */

/** `PENNYGRAD_TEST_THOROUGH=1`, or Vitest's `--mode thorough`, which sets it. */
export const thorough = process.env.PENNYGRAD_TEST_THOROUGH === '1';

/** How many cases of a random test to draw. */
export function rounds(quick: number, many: number): number {
  return thorough ? many : quick;
}
