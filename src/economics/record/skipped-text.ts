import { formatCount } from '../../shared/core/number-format.ts';
import type { Summary } from './summary.ts';

/** `3 of 938 steps were skipped as not finite; their samples changed nothing`, or nothing where none was. */
export function describeSkipped({ steps, skipped_steps: skipped = 0 }: Summary): readonly string[] {
  if (skipped === 0) return [];
  const subject = `${formatCount(skipped)} of ${formatCount(steps)} steps ${skipped === 1 ? 'was' : 'were'}`;
  return [`${subject} skipped as not finite; ${skipped === 1 ? 'its' : 'their'} samples changed nothing`];
}
