/** Entries of a flag like `backend=cpu,count=2`: `key=value` pairs separated by commas, or a map in the config file. */
import type { z } from 'zod';
import { badInput } from '../shared/core/errors.ts';
import { describeGiven } from '../shared/core/given-value.ts';

/** Each key with the check of its value, whose message completes "key must be …". */
export type EntryFields = Readonly<Record<string, z.ZodType>>;

export type Entry<Fields extends EntryFields> = { readonly [Key in keyof Fields]: z.output<Fields[Key]> };

/**
 * @param flag as it is typed, for errors
 * @param hintFor more to say of a pair that is none
 * @throws bad-input naming the entry, the key and the valid values
 */
export function parseEntry<const Fields extends EntryFields>(
  flag: string,
  entry: string | Readonly<Record<string, unknown>>,
  fields: Fields,
  hintFor: (pair: string) => string = () => '',
): Entry<Fields> {
  const fail = (message: string) =>
    badInput(`${flag} '${typeof entry === 'string' ? entry : JSON.stringify(entry)}': ${message}`);
  const keys = Object.keys(fields).join(', ');
  const split = (pair: string): readonly [string, string] => {
    const at = pair.indexOf('=');
    if (at < 0) throw fail(`'${pair.trim()}' must be key=value; keys: ${keys}${hintFor(pair.trim())}`);
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  };
  const pairs = typeof entry === 'string' ? entry.split(',').map(split) : Object.entries(entry);
  const given = new Map<string, unknown>();
  for (const [key, value] of pairs) {
    if (!Object.hasOwn(fields, key)) throw fail(`unknown key '${key}'; valid keys: ${keys}`);
    if (given.has(key)) throw fail(`${key} is given twice`);
    given.set(key, value);
  }
  const parsed = Object.entries(fields).map(([key, schema]) => {
    const checked = schema.safeParse(given.get(key));
    if (checked.success) return [key, checked.data];
    const wanted = checked.error.issues.at(-1)?.message;
    throw fail(
      given.has(key) ? `${key} must be ${wanted}, got ${describeGiven(given.get(key))}` : `${key} must be given`,
    );
  });
  return Object.fromEntries(parsed);
}
