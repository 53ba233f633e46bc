import { badInput, messageOf } from '../shared/core/errors.ts';
import { readBoundedText } from '../shared/files/bounded-file.ts';
import { fileLimits } from '../shared/files/file-limits.ts';
import { loadYaml } from '../shared/files/yaml.ts';

/** Reads a YAML or JSON file of settings. @throws bad-input when it cannot be read or is not a map */
export function readConfigFile(file: string): { path: string; values: Record<string, unknown> } {
  const text = readBoundedText(file, fileLimits.settings, `--config ${file}`);
  let values: unknown;
  try {
    values = loadYaml().parse(text);
  } catch (error) {
    throw badInput(`--config ${file}: ${messageOf(error).split('\n')[0]}`, error);
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw badInput(`--config ${file}: must be a map of settings, for example 'epochs: 5'`);
  }
  return { path: file, values: values as Record<string, unknown> };
}
