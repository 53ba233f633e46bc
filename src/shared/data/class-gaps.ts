import type { Dataset } from './dataset.ts';

/** Ranges that are listed; a stray label makes one, random labels make many. */
const mostRanges = 4;

/**
 * A warning about classes that have no training image, and so are never learnt: labels that begin at 1, or one label that
 * is larger than all others. Undefined if there are none.
 */
export function describeClassGaps({
  name,
  classes,
  train,
}: Pick<Dataset, 'name' | 'classes' | 'train'>): string | undefined {
  const present = new Set(train.labels);
  const missing = Array.from({ length: classes }, (_, label) => label).filter((label) => !present.has(label));
  if (missing.length === 0) return undefined;
  const ranges = rangesOf(missing);
  const listed = ranges.slice(0, mostRanges).join(', ') + (ranges.length > mostRanges ? ', …' : '');
  const which = missing.length === 1 ? `class ${listed}` : `${missing.length} classes (${listed})`;
  return (
    `${name}: ${which} of ${classes} ${missing.length === 1 ? 'has' : 'have'} no training image; ` +
    'the classes are all labels from 0 to the largest'
  );
}

/** Ascending numbers as `3` and `5 to 9`. */
function rangesOf(numbers: readonly number[]): readonly string[] {
  const starts = numbers.filter((number, index) => numbers[index - 1] !== number - 1);
  const ends = numbers.filter((number, index) => numbers[index + 1] !== number + 1);
  return starts.map((start, index) => (start === ends[index] ? `${start}` : `${start} to ${ends[index]}`));
}
