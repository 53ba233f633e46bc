/** `--config`. In a file of its own so that workers, which have no such flag, do not load a YAML parser. */
import type { Options } from 'yargs';
import { readConfigFile } from '../settings/config-file.ts';
import { variable } from '../settings/resolve-settings.ts';

export const configOption = {
  config: { describe: 'YAML or JSON file with these settings', requiresArg: true },
} as const satisfies Record<string, Options>;

/** The layers of a command that has `--config`, for `resolveSettings`. */
export function readLayers(argv: Readonly<Record<string, unknown>>) {
  const path = argv.config ?? variable(process.env, 'config');
  const file = typeof path === 'string' ? readConfigFile(path) : undefined;
  return [argv, process.env, file] as const;
}
