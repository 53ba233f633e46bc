/** Names of points in the charts of a comparison. */
import type { ComparedPoint } from '../../economics/comparison/compared-point.ts';
import { formatCount } from '../../shared/core/number-format.ts';
import { pointName } from '../comparison/comparison-text.ts';

/** Where all points have the same batch size, the titles of the charts name it instead. */
export interface PointNames {
  readonly ofPoint: (point: ComparedPoint) => string;
  readonly withBatch: (name: string, batch: number) => string;
  /** Suffix of titles: `, batch 64`, or empty. */
  readonly title: string;
}

export function createNames(points: readonly ComparedPoint[]): PointNames {
  const [only = 0, ...others] = [...new Set(points.map(({ globalBatchSize }) => globalBatchSize))];
  if (others.length === 0) {
    return { ofPoint: ({ name }) => name, withBatch: (name) => name, title: `, batch ${formatCount(only)}` };
  }
  return { ofPoint: pointName, withBatch: (name, globalBatchSize) => pointName({ name, globalBatchSize }), title: '' };
}
