/** A value of the wrong kind as an error names it: text in quotes, a list or a map as what it is. */
export function describeGiven(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a map' : `'${String(value)}'`;
}
