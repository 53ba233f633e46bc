import type { CoordinatorMessage, MessageOf } from './messages.ts';

/**
 * Why a worker was refused, for people: that it differs from the run, or what keeps it out for now.
 * @param whose as in 'this worker'
 */
export function describeRefusal(
  {
    field,
    expected,
    actual,
    passing,
  }: Pick<MessageOf<CoordinatorMessage, 'refuse'>, 'field' | 'expected' | 'actual' | 'passing'>,
  whose: string,
): string {
  return passing === true ? `${actual}; ${expected}` : `${field} differs: the run has ${expected}, ${whose} ${actual}`;
}
