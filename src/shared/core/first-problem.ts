import { z } from 'zod';

/**
 * One line for a failed check: the first problem, its place, and how many more there are. A file of the wrong kind has
 * dozens, and they say no more than the first.
 */
export function firstProblem({ issues }: z.ZodError): string {
  const [first, ...others] = issues;
  if (first === undefined) return 'nothing is wrong with it';
  const where = first.path.length === 0 ? '' : `${z.core.toDotPath(first.path)}: `;
  return `${where}${first.message}${others.length === 0 ? '' : ` (and ${others.length} more)`}`;
}
