import type { Summary } from '../economics/record/summary.ts';
import { formatCount } from '../shared/core/number-format.ts';

/** `batch 64`, or `batch 64 × 16 local steps`; and how its gradients travelled: `batch 64, with int8`. */
export function describeBatch({
  global_batch_size,
  local_steps = 1,
  compression,
}: Pick<Summary, 'global_batch_size' | 'local_steps' | 'compression'>): string {
  const batch = `batch ${formatCount(global_batch_size / local_steps)}`;
  const updates = local_steps === 1 ? batch : `${batch} × ${formatCount(local_steps)} local steps`;
  return compression === undefined ? updates : `${updates}, with ${compression}`;
}
