import { join } from 'node:path';
import envPaths from 'env-paths';

/** The variable that moves what `pennygrad setup` installs to another folder. */
export const homeVariable = 'PENNYGRAD_HOME';

/** Where `pennygrad setup ENGINE` installs that engine: in `PENNYGRAD_HOME`, or else in the user's data folder. */
export function engineFolder(engine: string, environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment[homeVariable] || envPaths('pennygrad', { suffix: '' }).data, 'engines', engine);
}
