/** Which runs can send gradients compressed. */
import type { TrainingConfig } from '../settings/training-settings.ts';
import { allReduceNames, collectiveOf } from '../shared/collectives/registry.ts';
import { badInput } from '../shared/core/errors.ts';

/** @throws bad-input where `--compress` does not go with the other settings */
export function requireCompressible({
  compress,
  deterministic,
  allReduce,
}: Pick<TrainingConfig, 'compress' | 'deterministic' | 'allReduce'>): void {
  if (compress === 'none') return;
  if (deterministic === true) {
    throw badInput(
      `--compress ${compress}: what each worker keeps back depends on how many there are, which --deterministic rules out; leave one of the two out`,
    );
  }
  if (allReduce === 'auto' || collectiveOf(allReduce).compresses === true) return;
  const able = allReduceNames.filter((name) => collectiveOf(name).compresses === true);
  throw badInput(`--compress ${compress}: --all-reduce ${allReduce} cannot compress; use ${able.join(' or ')}`);
}
