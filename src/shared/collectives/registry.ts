/** The collectives that there are, by the names that `--all-reduce` takes. */
import type { Collective } from './collective.ts';
import { star } from './star/star.ts';

const collectives = { star } as const satisfies Record<string, Collective>;

export type AllReduceName = keyof typeof collectives;
export const allReduceNames = Object.keys(collectives) as AllReduceName[];

export function isAllReduceName(name: string): name is AllReduceName {
  return Object.hasOwn(collectives, name);
}

export function collectiveOf(name: AllReduceName): Collective {
  return collectives[name];
}

/** What `--all-reduce` asks for, as the collective that does it. */
export function chooseAllReduce(asked: AllReduceName | 'auto'): AllReduceName {
  return asked === 'auto' ? 'star' : asked;
}
