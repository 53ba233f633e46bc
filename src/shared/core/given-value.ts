/** How an error shows a value of the wrong type: text in quotes, otherwise 'a list' or 'a map'. */
export function describeGiven(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a map' : `'${String(value)}'`;
}
