/** How two lists of arguments for `train` differ. */

/**
 * @param before arguments that a sweep was started with: `--epochs 1 --price 0.35`
 * @param now arguments of the sweep that is to continue it
 * @returns a clause for each setting that differs, whatever the order of the arguments
 */
export function changedSettings(before: readonly string[], now: readonly string[]): readonly string[] {
  const [theirs, ours] = [settingsIn(before), settingsIn(now)];
  return [...new Set([...theirs.keys(), ...ours.keys()])]
    .filter((flag) => theirs.get(flag) !== ours.get(flag))
    .map((flag) => `${flag} is ${theirs.get(flag) ?? 'not set'} there and ${ours.get(flag) ?? 'not set'} here`);
}

function settingsIn(args: readonly string[]): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [index, flag] of args.entries()) {
    if (!flag.startsWith('--')) continue;
    const value = args[index + 1];
    settings.set(flag, value === undefined || value.startsWith('--') ? 'on' : value);
  }
  return settings;
}
