/** How an error shows a value that it rejects: text in quotes, or 'nothing', 'a list' or 'a map'. */
export function describeGiven(value: unknown): string {
  if (value === undefined || (typeof value === 'string' && value.trim() === '')) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a map' : `'${String(value)}'`;
}
