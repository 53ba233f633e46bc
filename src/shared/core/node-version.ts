/**
 * Whether a version of Node is in the range that package.json asks for.
 * @param required of the form `>=MAJOR.MINOR.PATCH`
 */
export function isAtLeast(version: string, required: string): boolean {
  const [have, need] = [version, required.replace(/^>=/, '')].map((text) => text.split(/[.-]/).map(Number));
  for (let part = 0; part < 3; part++) {
    const [a, b] = [have?.[part] ?? 0, need?.[part] ?? 0];
    if (a !== b) return a > b;
  }
  return true;
}
