/** Tables of settings as command-line flags. */
import type { Options } from 'yargs';
import { kebab } from '../settings/resolve-settings.ts';
import type { SettingsTable } from '../settings/setting.ts';
import { describeGiven } from '../shared/core/given-value.ts';

/**
 * Finds a switch that was given what is neither true nor false: yargs takes all of that for false.
 * @returns what is wrong; undefined where nothing is
 */
export function findWrongSwitch(args: readonly string[], table: SettingsTable): string | undefined {
  const switches = new Set(Object.entries(table).flatMap(([key, { type }]) => (type === 'boolean' ? kebab(key) : [])));
  const end = args.indexOf('--');
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const [, name = '', value = ''] = arg.match(/^--([^=]+)=(.*)$/s) ?? [];
    if (switches.has(name) && value !== 'true' && value !== 'false')
      return `--${name} must be true or false, got ${describeGiven(value)}; --${name} alone is true`;
  }
  return undefined;
}

/**
 * The table as yargs options. Defaults are shown but not set, because only flags that were typed may beat the other
 * layers. Only switches have a type: with a type, yargs would show numbers and choices as "[string]".
 * @param inHelp whether the help shows them
 */
export function yargsOptions(table: SettingsTable, inHelp: boolean): Record<string, Options> {
  return Object.fromEntries(
    Object.entries(table).map(([key, { describe, type, defaultText }]) => [
      kebab(key),
      {
        describe,
        hidden: !inHelp,
        // Commands under this one have flags of their own.
        global: false,
        ...(type === 'boolean' ? { type } : { requiresArg: true }),
        ...(defaultText === undefined ? {} : { defaultDescription: defaultText }),
      },
    ]),
  );
}
