/** What a page that holds one state must be told to hold the next: both ends of the stream. Runs in browsers too. */
import type { LiveState } from './live-state.ts';

/** Keys that changed, whole; of the two that only grow, what is new. */
export interface LiveChanges extends Partial<Omit<LiveState, 'curve' | 'log'>> {
  readonly curve?: Appended<LiveState['curve']['points'][number]> & Pick<LiveState['curve'], 'stepsPerPoint'>;
  readonly log?: Appended<LiveState['log'][number]>;
}

interface Appended<Item> {
  /** So many of the items at the beginning are dropped, then so many are kept, and `items` come after them. */
  readonly drop: number;
  readonly keep: number;
  readonly items: readonly Item[];
}

/** States share what did not change, so that comparing two is comparing references. @returns undefined for no change */
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

/** @returns what `changesBetween(before, after)` was given as `after` */
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
