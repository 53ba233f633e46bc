/** Where engines live that are installed by `pennygrad setup`, outside of the package and of the user's project. */
import { join } from 'node:path';
import envPaths from 'env-paths';

/**
 * @param environment `PENNYGRAD_ENGINES_DIR` stands in for `engines` in the user's data folder
 */
export function engineFolder(
  name: 'tensorflow' | 'webgpu',
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const engines = environment.PENNYGRAD_ENGINES_DIR || join(envPaths('pennygrad', { suffix: '' }).data, 'engines');
  return join(engines, name);
}
