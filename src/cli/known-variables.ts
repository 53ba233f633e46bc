/** A misspelt variable would be ignored, and the run would not be the one that was meant. */
import { homeVariable } from '../engine/engine-folder.ts';
import { adapterVariable } from '../engine/webgpu/webgpu-adapters.ts';
import { managedVariable } from '../launch/managed-variable.ts';
import { variableOf } from '../settings/resolve-settings.ts';
import type { SettingsTable } from '../settings/setting.ts';
import { badInput } from '../shared/core/errors.ts';
import { closestName } from '../shared/data/closest-name.ts';
import { commands } from './commands.ts';

const prefix = 'PENNYGRAD_';

/** Variables that are no setting of a command. */
const others: readonly string[] = [
  'PENNYGRAD_CONFIG',
  'PENNYGRAD_WASM_SIMD',
  adapterVariable,
  homeVariable,
  managedVariable,
];

/** Kubernetes sets these in every container beside a service of the name `pennygrad`; the project's tests set the last. */
const foreign = /^PENNYGRAD_(SERVICE_(HOST|PORT\w*)|PORT|PORT_\d+_\w+|TEST_\w+)$/;

/**
 * Checks that every `PENNYGRAD_*` variable with a value is a setting of some command. One environment may serve several.
 * @param settings those of the command that runs; others are loaded only where these do not have all variables
 * @throws bad-input naming the variable, and the one that may be meant
 */
export async function requireKnownVariables(
  environment: Readonly<Record<string, string | undefined>>,
  settings: SettingsTable,
): Promise<void> {
  const own = [...others, ...Object.keys(settings).map(variableOf)];
  const given = Object.keys(environment).filter(
    (name) => name.startsWith(prefix) && environment[name] !== '' && !foreign.test(name) && !own.includes(name),
  );
  if (given.length === 0) return;
  const tables = await Promise.all(
    commands.flatMap((one) => [one, ...(one.under ?? [])]).map(async ({ load }) => (await load()).settings),
  );
  const known = [...others, ...tables.flatMap((table) => Object.keys(table).map(variableOf))];
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const names = known.map((name) => name.slice(prefix.length).toLowerCase());
  const meant = closestName(unknown.slice(prefix.length), names);
  throw badInput(
    `the environment variable ${unknown} is not a setting; ` +
      (meant === undefined
        ? `a setting's variable has the name of its flag, as ${prefix}BATCH_SIZE for --batch-size`
        : `did you mean ${prefix}${meant.toUpperCase()}?`),
  );
}
