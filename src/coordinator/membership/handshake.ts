/** Replicas are replicas only if they train the same thing: who differs is refused, by the name of the field. */
import type { ModelSpec } from '../../shared/model/model-spec.ts';
import { protocolVersion } from '../../shared/protocol/limits.ts';
import type { Identity } from '../../shared/protocol/messages.ts';

export interface Mismatch {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

/** Why a newcomer cannot even begin to load, or undefined if it may. `present` are the ids of the workers here. */
export function findObstacle(
  hello: { readonly workerId: string; readonly version: string },
  run: { readonly version: string; readonly worldSize: number; readonly present: readonly string[] },
): Mismatch | undefined {
  if (hello.version !== run.version) {
    return { field: 'pennygrad version', expected: run.version, actual: hello.version };
  }
  if (run.present.includes(hello.workerId)) {
    return {
      field: 'worker id',
      expected: 'another name (--id chooses one)',
      actual: `${hello.workerId}, which is taken`,
    };
  }
  if (run.present.length >= run.worldSize) {
    return { field: 'world size', expected: `${run.worldSize} workers, who are all here`, actual: 'is one more' };
  }
  return undefined;
}

/** What a peer is told whose frames are of another protocol. */
export function versionMismatch(detail: string): Mismatch {
  return { field: 'protocol version', expected: String(protocolVersion), actual: detail };
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

function describeModel({ name, inputShape, classes }: ModelSpec): string {
  return `${name} (${inputShape.join('×')} to ${classes} classes)`;
}
