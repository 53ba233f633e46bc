/** All workers must train the same thing. One that differs is refused, and the refusal names the field. */
import { bucketsFromEnds } from '../../shared/collectives/buckets.ts';
import { deterministicEngines } from '../../shared/model/deterministic-engines.ts';
import { describeModel } from '../../shared/model/model-spec.ts';
import { protocolVersion } from '../../shared/protocol/limits.ts';
import type { Identity } from '../../shared/protocol/messages.ts';
import type { Ready } from './worker.ts';

export interface Mismatch {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
  /**
   * Set where the same worker may fit later: a place may become free, but a dataset stays what it is. `actual` then says
   * what keeps it out, and `expected` what would let it in.
   */
  readonly passing?: boolean | undefined;
}

/** Why a newcomer cannot even begin to load, or undefined if it may. `present` are the ids of the workers here. */
export function findObstacle(
  hello: { readonly workerId: string; readonly version: string },
  run: {
    readonly version: string;
    readonly places: number;
    readonly present: readonly string[];
    /** Stragglers that the run dropped, by name, with the reason. */
    readonly dropped: ReadonlyMap<string, string>;
  },
): Mismatch | undefined {
  if (hello.version !== run.version) {
    return { field: 'pennygrad version', expected: run.version, actual: hello.version };
  }
  const dropped = run.dropped.get(hello.workerId);
  if (dropped !== undefined) {
    const expected = 'no place for stragglers (--drop-stragglers)';
    return { field: 'speed', expected, actual: `was dropped: ${dropped}` };
  }
  if (run.present.includes(hello.workerId)) {
    return {
      field: 'worker id',
      expected: '--id chooses another',
      actual: `the name ${hello.workerId} is taken`,
      passing: true,
    };
  }
  if (run.present.length >= run.places) {
    const actual = `all ${run.places} places are taken`;
    return { field: 'world size', expected: 'one has to become free', actual, passing: true };
  }
  return undefined;
}

/** The refusal for a peer with another protocol version. */
export function versionMismatch(version: string): Mismatch {
  return { field: 'protocol version', expected: String(protocolVersion), actual: version };
}

/**
 * The first thing in which a worker differs from the run, or undefined if it fits.
 * @param other what another worker loaded, if one has: equal seeds give equal parameters on every engine, and a
 *   difference would otherwise only show later
 */
export function findUnfit(
  { identity, parameterCount }: { readonly identity: Identity; readonly parameterCount: number },
  ready: Ready,
  other: Ready | undefined,
): Mismatch | undefined {
  return (
    findMismatch(identity, ready.identity) ??
    findOtherSize(parameterCount, ready) ??
    findBadBuckets(ready) ??
    findDifferentStart(other, ready)
  );
}

/**
 * Why a worker cannot have the same bits as the others of a deterministic run.
 * @param own its `numericsKey`; undefined where the run is not deterministic
 * @param first that of the run's first worker, if it has had one
 */
export function findOtherArithmetic(
  { backend, threads = 1 }: Pick<Ready, 'backend' | 'threads'>,
  own: string | undefined,
  first: string | undefined,
): Mismatch | undefined {
  if (own === undefined) return undefined;
  if (!deterministicEngines.includes(backend) || threads !== 1) {
    const expected = `--deterministic needs ${deterministicEngines.join(' or ')}, on one thread`;
    return { field: 'engine', expected, actual: threads === 1 ? backend : `${backend} on ${threads} threads` };
  }
  if (first === undefined || first === own) return undefined;
  return { field: 'arithmetic', expected: `--deterministic needs that of the others, ${first}`, actual: own };
}

/** The coordinator's buffers are made for the model's size. */
function findOtherSize(expected: number, { parameterCount }: Ready): Mismatch | undefined {
  if (parameterCount === expected) return undefined;
  return { field: 'number of parameters', expected: String(expected), actual: String(parameterCount) };
}

/** The first field in which a worker differs from the run, or undefined if it fits. */
export function findMismatch(expected: Identity, actual: Identity): Mismatch | undefined {
  const fields: readonly (readonly [string, (identity: Identity) => string])[] = [
    ['pennygrad version', ({ version }) => version],
    ['model', ({ model }) => describeModel(model)],
    ['dataset digest', ({ datasetDigest }) => datasetDigest],
    ['seed', ({ seed }) => String(seed)],
  ];
  for (const [field, read] of fields) {
    if (read(expected) !== read(actual)) return { field, expected: read(expected), actual: read(actual) };
  }
  return undefined;
}

/** Buckets that do not cover the gradient would otherwise cause a step that never finishes. */
function findBadBuckets({ bucketEnds, parameterCount }: Ready): Mismatch | undefined {
  if (bucketsFromEnds(bucketEnds, parameterCount) !== undefined) return undefined;
  return { field: 'gradient buckets', expected: `ends that ascend to ${parameterCount}`, actual: bucketEnds.join() };
}

function findDifferentStart(first: Ready | undefined, second: Ready): Mismatch | undefined {
  if (first === undefined) return undefined;
  const [expectedEnds, actualEnds] = [first.bucketEnds.join(), second.bucketEnds.join()];
  if (expectedEnds !== actualEnds) return { field: 'gradient buckets', expected: expectedEnds, actual: actualEnds };
  if (first.parametersChecksum === second.parametersChecksum) return undefined;
  return {
    field: 'checksum of the initial parameters',
    expected: String(first.parametersChecksum),
    actual: String(second.parametersChecksum),
  };
}
