/** The scales of a chart: where values lie on an axis, and which values to label. */

export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly logarithmic: boolean;
}

/** The position of a value on its axis: 0 at `from`, 1 at `to`. */
export function position({ from, to, logarithmic }: Scale, value: number): number {
  const at = (x: number) => (logarithmic ? Math.log10(x) : x);
  return (at(value) - at(from)) / (at(to) - at(from));
}

/** Round values on the scale, ascending: multiples of 1, 2 or 5 × 10ⁿ, approximately `about` of them. */
export function ticks({ from, to, logarithmic }: Scale, about: number): readonly number[] {
  if (logarithmic) return logarithmicTicks(from, to, about);
  const step = roundStep((to - from) / about);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => exact((first + index) * step));
}

/** A logarithmic scale with round values at both ends. Values that are not positive and finite are ignored. */
export function logarithmicScale(values: readonly number[]): Scale {
  const usable = values.filter((value) => value > 0 && Number.isFinite(value));
  if (usable.length === 0) return { from: 0.1, to: 1, logarithmic: true };
  const [low, high] = extent(usable);
  const from = roundDown(low);
  const to = -roundDown(-high);
  return { from, to: to > from ? to : from * 10, logarithmic: true };
}

/** A scale from 0 to a round value that no value exceeds. */
export function scaleFromZero(values: readonly number[]): Scale {
  const high = Math.max(0, ...values.filter(Number.isFinite));
  const step = roundStep((high || 1) / 4);
  return { from: 0, to: exact(Math.ceil((high || 1) / step - 1e-9) * step), logarithmic: false };
}

/**
 * A scale of ratios that ends at 1 and starts below nine tenths of the values. Starting at the lowest value, the accuracy
 * of the first steps, would leave no room for the differences that matter later.
 */
export function ratioScale(values: readonly number[]): Scale {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  const low = Math.min(0.98, Math.max(0, sorted[Math.floor(sorted.length / 10)] ?? 0));
  const step = roundStep((1 - low) / 4);
  return { from: Math.max(0, exact(1 - Math.ceil((1 - low) / step - 1e-9) * step)), to: 1, logarithmic: false };
}

/** The smallest 1, 2 or 5 × 10ⁿ that is not below `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step) + 1e-9);
  const rounded = [1, 2, 5, 10].find((factor) => factor * power >= step * (1 - 1e-9)) ?? 10;
  return exact(rounded * power);
}

/** The largest ±1, ±2 or ±5 × 10ⁿ that is not above `value`. */
function roundDown(value: number): number {
  const size = Math.abs(value);
  const power = 10 ** Math.floor(Math.log10(size) + 1e-9);
  const lower = [5, 2, 1].find((factor) => factor * power <= size * (1 + 1e-9)) ?? 1;
  return value > 0 ? exact(lower * power) : -roundStep(size);
}

function logarithmicTicks(from: number, to: number, about: number): readonly number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(from) + 1e-9); 10 ** power <= to * (1 + 1e-9); power++) {
    for (const factor of [1, 2, 5]) all.push(exact(factor * 10 ** power));
  }
  const inside = all.filter((tick) => tick >= from * (1 - 1e-9) && tick <= to * (1 + 1e-9));
  const powers = inside.filter((tick) => Number.isInteger(exact(Math.log10(tick))));
  if (inside.length <= about * 2 || powers.length < 2) return inside;
  const every = Math.ceil(powers.length / (about + 1));
  return powers.filter((_, index) => index % every === 0);
}

function extent(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Removes the rounding error of binary fractions: 0.30000000000000004 becomes 0.3. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}
