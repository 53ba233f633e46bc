import type { Summary } from '../economics/record/summary.ts';
import { formatCount } from '../shared/core/number-format.ts';

/** `batch 64`, or `batch 64 × 16 local steps`. */
export function describeBatch({ global_batch_size, local_steps = 1 }: Summary): string {
  const batch = `batch ${formatCount(global_batch_size / local_steps)}`;
  return local_steps === 1 ? batch : `${batch} × ${formatCount(local_steps)} local steps`;
}
