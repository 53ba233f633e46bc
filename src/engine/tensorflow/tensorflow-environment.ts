/** Environment variables that TensorFlow reads when it is loaded. Values that the user has set are kept. */

/** Keeps TensorFlow to this many cores: each operation uses all of them, and only one operation runs at a time. */
export function threadVariables(threads: number): Readonly<Record<string, string>> {
  return { TF_NUM_INTRAOP_THREADS: String(threads), TF_NUM_INTEROP_THREADS: '1' };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** How many threads an operation uses: what the environment says, or else every core. */
export function threadsIn(environment: Environment, cores: number): number {
  const told = Number(environment.TF_NUM_INTRAOP_THREADS);
  return Number.isInteger(told) && told > 0 ? told : cores;
}

/** A worker's place among the workers of its host. */
export interface LocalPlace {
  /** Counts from 0. */
  readonly localRank: number;
  readonly localWorkers: number;
  /** Cores that this process may use. */
  readonly cores: number;
  /** NVIDIA cards of this host. */
  readonly cards: number;
}

/** The variables to add to the environment of a local worker that may use TensorFlow. */
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

/** Threads per worker, so that the workers of a host do not compete for its cores. */
export function threadsPerWorker({ cores, localWorkers }: Pick<LocalPlace, 'cores' | 'localWorkers'>): number {
  return Math.max(1, Math.floor(cores / localWorkers));
}

/**
 * Assigns a card to a local worker. Workers share cards if there are more workers than cards.
 * @param cards how many the host has
 * @param existing the user's `CUDA_VISIBLE_DEVICES`: the cards to share out, by index or UUID; `-1` for none
 * @returns the worker's `CUDA_VISIBLE_DEVICES`; undefined if it should not be changed
 */
export function visibleDevices(localRank: number, cards: number, existing: string | undefined): string | undefined {
  if (existing === undefined) return cards === 0 ? undefined : String(localRank % cards);
  const listed = existing.split(',').map((card) => card.trim());
  // CUDA ignores everything from the first card that does not exist, such as -1.
  const end = listed.findIndex((card) => card === '' || card.startsWith('-'));
  const usable = end === -1 ? listed : listed.slice(0, end);
  return usable.length === 0 ? undefined : usable[localRank % usable.length];
}

/** What a CUDA build needs: its libraries on the loader's path, and memory growth, because workers may share a card. */
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
