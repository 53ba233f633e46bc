import { z } from 'zod';

/**
 * What a check found, in one short line: the first problem and where it is, and how many more there are. A file of
 * another kind has dozens, which say no more than the first.
 */
export function firstProblem({ issues }: z.ZodError): string {
  const [first, ...others] = issues;
  if (first === undefined) return 'nothing is wrong with it';
  const where = first.path.length === 0 ? '' : `${z.core.toDotPath(first.path)}: `;
  return `${where}${first.message}${others.length === 0 ? '' : ` (and ${others.length} more)`}`;
}
