/** The settings of a command that has `--config`. In a file of its own, because workers need no YAML. */
import type { Options } from 'yargs';
import { readConfigFile } from '../settings/config-file.ts';

/** `--config`, of the commands that have many settings. */
export const configOption = {
  config: { describe: 'YAML or JSON file of these settings', requiresArg: true },
} as const satisfies Record<string, Options>;

/** The layers of a command that has `--config`, as `resolveSettings` takes them. */
export function readLayers(argv: Readonly<Record<string, unknown>>) {
  const path = argv.config ?? process.env.PENNYGRAD_CONFIG;
  const file = typeof path === 'string' ? readConfigFile(path) : undefined;
  return [argv, process.env, file] as const;
}
