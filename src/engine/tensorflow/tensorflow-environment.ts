/** Variables that TensorFlow reads when it is loaded. What the user has set stays as it is. */

/**
 * Threads that keep a worker to so many cores: an operation runs on all of them, and no two operations at once, which
 * TensorFlow would give a core each.
 */
export function threadVariables(threads: number): Readonly<Record<string, string>> {
  return { TF_NUM_INTRAOP_THREADS: String(threads), TF_NUM_INTEROP_THREADS: '1' };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A worker's place among those that its host runs. */
export interface LocalPlace {
  /** Counts from 0. */
  readonly localRank: number;
  readonly localWorkers: number;
  /** Cores that this process and its children may use. */
  readonly cores: number;
  /** NVIDIA cards of this host. */
  readonly cards: number;
}

/** What to add to the environment of a local worker that may use TensorFlow. */
export function tensorflowEnvironment(
  place: LocalPlace,
  libraryFolders: readonly string[],
  existing: Environment,
): Readonly<Record<string, string>> {
  const variables = {
    ...cudaEnvironment(libraryFolders, existing),
    ...unlessSet(threadVariables(threadsPerWorker(place)), existing),
    // By default CUDA numbers cards by speed, but nvidia-smi by slot.
    ...unlessSet(place.cards === 0 ? {} : { CUDA_DEVICE_ORDER: 'PCI_BUS_ID' }, existing),
  };
  const card = visibleDevices(place.localRank, place.cards, existing.CUDA_VISIBLE_DEVICES);
  return card === undefined ? variables : { ...variables, CUDA_VISIBLE_DEVICES: card };
}

/** Threads with which a worker computes, so that the workers of a host do not fight for its cores. */
export function threadsPerWorker({ cores, localWorkers }: Pick<LocalPlace, 'cores' | 'localWorkers'>): number {
  return Math.max(1, Math.floor(cores / localWorkers));
}

/**
 * The card of a worker: each local worker has its own, and where there are fewer cards than workers they share.
 * @param cards of the host
 * @param existing `CUDA_VISIBLE_DEVICES` as the user set it: the cards to deal out, by index or UUID; `-1` for none
 * @returns the worker's `CUDA_VISIBLE_DEVICES`; undefined to leave it as it is
 */
export function visibleDevices(localRank: number, cards: number, existing: string | undefined): string | undefined {
  if (existing === undefined) return cards === 0 ? undefined : String(localRank % cards);
  const listed = existing.split(',').map((card) => card.trim());
  // CUDA itself stops at the first that does not exist, such as -1.
  const end = listed.findIndex((card) => card === '' || card.startsWith('-'));
  const usable = end === -1 ? listed : listed.slice(0, end);
  return usable.length === 0 ? undefined : usable[localRank % usable.length];
}

/** What a CUDA build needs: its libraries on the loader's path, and memory taken as needed, since workers may share. */
export function cudaEnvironment(
  libraryFolders: readonly string[],
  existing: Environment,
): Readonly<Record<string, string>> {
  if (libraryFolders.length === 0) return {};
  const path = [...libraryFolders, ...(existing.LD_LIBRARY_PATH ? [existing.LD_LIBRARY_PATH] : [])].join(':');
  return { LD_LIBRARY_PATH: path, ...unlessSet({ TF_FORCE_GPU_ALLOW_GROWTH: 'true' }, existing) };
}

function unlessSet(
  variables: Readonly<Record<string, string>>,
  existing: Environment,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => existing[name] === undefined));
}
