/** The collectives that there are, by the names that `--all-reduce` takes. */
import { maxMeshSize } from '../protocol/limits.ts';
import type { Collective, OfferedCollective } from './collective.ts';
import { mesh } from './mesh/mesh.ts';
import { meshTwoShot } from './mesh-two-shot/mesh-two-shot.ts';
import { ring } from './ring/ring.ts';
import { solo } from './solo/solo.ts';
import { star } from './star/star.ts';
import { tree } from './tree/tree.ts';

const offered = { star, mesh, 'mesh-two-shot': meshTwoShot, ring } as const satisfies Record<string, OfferedCollective>;
/** A generation of one has no choice, and neither has a deterministic run. */
const collectives = { ...offered, tree, solo } as const satisfies Record<string, Collective>;

export type AllReduceName = keyof typeof collectives;
/** What a run asks for: `auto` leaves it to each generation, which knows how its ranks are linked. */
export type AllReduceOfRun = AllReduceName | 'auto';
/** What `--all-reduce` offers. */
export const allReduceNames = Object.keys(offered) as (keyof typeof offered)[];

export function isAllReduceName(name: string): name is AllReduceName {
  return Object.hasOwn(collectives, name);
}

export function collectiveOf<Name extends AllReduceName>(name: Name): (typeof collectives)[Name] {
  return collectives[name];
}

/**
 * Whether ranks may read each other's gradients in such a run.
 * @param fleet how many workers a generation has, at least and at most
 */
export function mayReadPeers(
  chosen: AllReduceOfRun,
  { min, max }: { readonly min: number; readonly max: number },
): boolean {
  return max > 1 && min <= maxMeshSize && collectiveAtFirst(max, chosen) !== chosen;
}

/**
 * The collective that a generation begins with. Ranks that are to read each other's gradients have to show that they can
 * first, and use the star until then.
 * @param chosen for the run
 */
export function collectiveAtFirst(worldSize: number, chosen: AllReduceOfRun): AllReduceName {
  if (worldSize === 1) return 'solo';
  return chosen === 'auto' || collectiveOf(chosen).readsPeers === true ? 'star' : chosen;
}

/**
 * The collective of a run.
 * @param asked by `--all-reduce`
 * @param isCompressed gradients travel encoded, which only some collectives can
 */
export function allReduceOfRun(
  asked: keyof typeof offered | 'auto',
  {
    deterministic = false,
    isCompressed,
  }: { readonly deterministic?: boolean | undefined; readonly isCompressed: boolean },
): AllReduceOfRun {
  if (deterministic) return 'tree';
  return asked === 'auto' && isCompressed ? 'mesh' : asked;
}
