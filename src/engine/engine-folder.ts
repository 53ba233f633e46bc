import { join } from 'node:path';
import envPaths from 'env-paths';

/** Names another folder for what `pennygrad setup` installs. */
export const homeVariable = 'PENNYGRAD_HOME';

/** Where `pennygrad setup ENGINE` installs what that engine needs: in the user's data folder, or in `PENNYGRAD_HOME`. */
export function engineFolder(engine: string, environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment[homeVariable] || envPaths('pennygrad', { suffix: '' }).data, 'engines', engine);
}
