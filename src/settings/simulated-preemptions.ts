/** `--simulate-preemptions rate=2/h,notice=30s`: local workers that lose their machines, as spot capacity does. Pure. */
import { z } from 'zod';
import { parseEntry } from './key-value-entry.ts';
import { numberWithUnit } from './number-with-unit.ts';
import { integer } from './schemas.ts';
import type { Setting } from './setting.ts';

/** As long as a timer can wait, about: no wait is longer. */
const mostSeconds = 1_000_000;

const secondsOf = { s: 1, min: 60, h: 3600 } as const;
type Unit = keyof typeof secondsOf;

const rate = numberWithUnit(
  /^(\d+(?:\.\d+)?)\/(h|min|s)$/,
  'a rate above 0, like 2/h, 0.5/min or 0.1/s',
  (value, unit: Unit) => (value > 0 ? (value * secondsOf.h) / secondsOf[unit] : undefined),
);

const duration = numberWithUnit(
  /^(\d+(?:\.\d+)?)(h|min|s)$/,
  `a time like 30s, 2min or 0s, at most ${mostSeconds}s`,
  (value, unit: Unit) => (value * secondsOf[unit] <= mostSeconds ? value * secondsOf[unit] : undefined),
);

/** The keys of the entry. */
const fields = {
  rate,
  notice: duration.default(30),
  back: duration.default(0),
  seed: integer(0, 2 ** 32 - 1).default(1),
} as const;

export const simulatePreemptionsSetting = {
  type: 'string',
  describe:
    'Take the machines of local workers away at random moments, as spot capacity does: rate=2/h,notice=30s,back=0s,seed=1. ' +
    'Each worker is told to leave rate times an hour on average, is killed when the notice is over, and is started again ' +
    'after back; such starts do not count as --restarts. none: do not',
  defaultText: 'none',
  schema: z.string('rate=2/h,notice=30s,back=0s,seed=1, or none').optional(),
} as const satisfies Setting;

/**
 * @returns how often each worker gets a notice, how long that is, and when it is back; undefined where none are simulated
 * @throws bad-input naming the key and the valid values
 */
export function planPreemptions(entry: string | undefined) {
  if (entry === undefined || entry === 'none') return undefined;
  const { rate: ratePerHour, notice, back, seed } = parseEntry('--simulate-preemptions', entry, fields);
  return { ratePerHour, noticeSeconds: notice, backSeconds: back, seed };
}
