/** The difference between two states: made by the coordinator, applied by the page. Runs in browsers too. */
import type { LiveState } from './live-state.ts';

/** The keys that changed, with their whole values; for the curve and the log only what was appended. */
export interface LiveChanges extends Partial<Omit<LiveState, 'curve' | 'log'>> {
  readonly curve?: Appended<LiveState['curve']['points'][number]> & Pick<LiveState['curve'], 'stepsPerPoint'>;
  readonly log?: Appended<LiveState['log'][number]>;
}

interface Appended<Item> {
  /** The number of items to drop at the beginning. */
  readonly drop: number;
  /** The number of items to keep after those. */
  readonly keep: number;
  /** The items to append. */
  readonly items: readonly Item[];
}

/** Compares by reference, since states share what did not change. @returns undefined when nothing changed */
export function changesBetween(before: LiveState, after: LiveState): LiveChanges | undefined {
  const { curve, log, ...rest } = after;
  const changed = Object.entries(rest).filter(([key, value]) => before[key as keyof LiveState] !== value);
  const changes: LiveChanges = {
    ...Object.fromEntries(changed),
    ...(curve === before.curve
      ? {}
      : { curve: { ...appended(before.curve.points, curve.points), stepsPerPoint: curve.stepsPerPoint } }),
    ...(log === before.log ? {} : { log: appended(before.log, log) }),
  };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

/** Inverse of `changesBetween`: `applyChanges(before, changesBetween(before, after))` equals `after`. */
export function applyChanges(before: LiveState, { curve, log, ...rest }: LiveChanges): LiveState {
  return {
    ...before,
    ...rest,
    ...(curve === undefined
      ? {}
      : { curve: { stepsPerPoint: curve.stepsPerPoint, points: append(before.curve.points, curve) } }),
    ...(log === undefined ? {} : { log: append(before.log, log) }),
  };
}

function appended<Item>(before: readonly Item[], after: readonly Item[]): Appended<Item> {
  const found = after[0] === undefined ? -1 : before.indexOf(after[0]);
  const drop = found === -1 ? before.length : found;
  let keep = 0;
  while (keep < before.length - drop && before[drop + keep] === after[keep]) keep += 1;
  return { drop, keep, items: after.slice(keep) };
}

function append<Item>(before: readonly Item[], { drop, keep, items }: Appended<Item>): readonly Item[] {
  return [...before.slice(drop, drop + keep), ...items];
}
