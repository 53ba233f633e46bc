/** The arithmetic of a chart: from values to pixels, and which values to name on an axis. */

export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly logarithmic: boolean;
}

/** Where a value lies on its axis: 0 at `from`, 1 at `to`. */
export function position({ from, to, logarithmic }: Scale, value: number): number {
  const at = (x: number) => (logarithmic ? Math.log10(x) : x);
  return (at(value) - at(from)) / (at(to) - at(from));
}

/** Round values on the scale, in rising order: multiples of 1, 2 or 5 × 10ⁿ, about as many as asked for. */
export function ticks({ from, to, logarithmic }: Scale, about: number): readonly number[] {
  if (logarithmic) return logarithmicTicks(from, to, about);
  const step = roundStep((to - from) / about);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => exact((first + index) * step));
}

/**
 * A logarithmic scale for values above 0, ending at round values on both sides. Values that are 0, or not finite, have
 * no place on it.
 */
export function logarithmicScale(values: readonly number[]): Scale {
  const usable = values.filter((value) => value > 0 && Number.isFinite(value));
  if (usable.length === 0) return { from: 0.1, to: 1, logarithmic: true };
  const [low, high] = extent(usable);
  const from = roundDown(low);
  const to = -roundDown(-high);
  return { from, to: to > from ? to : from * 10, logarithmic: true };
}

/** A scale from 0 to a round value above all. */
export function scaleFromZero(values: readonly number[]): Scale {
  const high = Math.max(0, ...values.filter(Number.isFinite));
  const step = roundStep((high || 1) / 4);
  return { from: 0, to: exact(Math.ceil((high || 1) / step - 1e-9) * step), logarithmic: false };
}

/**
 * A scale of ratios up to 1 that begins below nine tenths of the values: the first steps, from chance upwards, would
 * leave no room for the differences that matter later.
 */
export function ratioScale(values: readonly number[]): Scale {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  const low = Math.min(0.98, Math.max(0, sorted[Math.floor(sorted.length / 10)] ?? 0));
  const step = roundStep((1 - low) / 4);
  return { from: Math.max(0, exact(1 - Math.ceil((1 - low) / step - 1e-9) * step)), to: 1, logarithmic: false };
}

/** The nearest multiple of 1, 2 or 5 × 10ⁿ from `step` upwards. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step) + 1e-9);
  const rounded = [1, 2, 5, 10].find((factor) => factor * power >= step * (1 - 1e-9)) ?? 10;
  return exact(rounded * power);
}

/** The next 1, 2 or 5 × 10ⁿ towards 0 from a positive value, away from 0 from a negative one. */
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

/** Without the dust of binary fractions: 0.30000000000000004 is 0.3. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}
