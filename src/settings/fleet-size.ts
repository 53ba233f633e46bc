/** `--workers 4` or `--workers 2:8`: how many workers a run is for, and with how few it goes on. */
import { z } from 'zod';
import { maxWorldSize } from '../shared/protocol/limits.ts';
import { integer } from './schemas.ts';

export interface FleetSize {
  /** With fewer workers than this, a run does not train. At most `max`. */
  readonly min: number;
  /** More workers than this find the run full. */
  readonly max: number;
}

/** A number of workers that a run can have. */
export const workerCount = integer(1, maxWorldSize);

const wanted = `a number from 1 to ${maxWorldSize}, or MIN:MAX of two such numbers, like 2:8`;

/** A plain N is N:N. */
export const fleetSize = z.union([z.number(), z.string()], wanted).transform((given, context): FleetSize => {
  const counts = String(given)
    .split(':')
    .map((part) => workerCount.safeParse(part).data);
  const [min, max = min] = counts;
  const isSize = counts.length <= 2 && !counts.includes(undefined);
  if (isSize && min !== undefined && max !== undefined && min <= max) return { min, max };
  context.addIssue({ code: 'custom', message: isSize ? 'MIN:MAX with MIN at most MAX' : wanted });
  return z.NEVER;
});

/** The size as it may be given again: 4, or `2:8`. */
export function formatFleetSize({ min, max }: FleetSize): number | string {
  return min === max ? max : `${min}:${max}`;
}
