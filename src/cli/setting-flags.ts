/** Tables of settings as command-line flags. */
import type { Options } from 'yargs';
import { kebab } from '../settings/resolve-settings.ts';
import type { SettingsTable } from '../settings/setting.ts';

/**
 * The table as yargs options. Defaults are shown but not set, because only flags that were typed may beat the other
 * layers. Only switches have a type: with a type, yargs would show numbers and choices as "[string]".
 */
export function yargsOptions(table: SettingsTable): Record<string, Options> {
  return Object.fromEntries(
    Object.entries(table).map(([key, { describe, type, defaultText }]) => [
      kebab(key),
      {
        describe,
        ...(type === 'boolean' ? { type } : { requiresArg: true }),
        ...(defaultText === undefined ? {} : { defaultDescription: defaultText }),
      },
    ]),
  );
}
