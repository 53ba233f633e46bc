/** The YAML parser, loaded when a command reads its first YAML file: most read none, and it has seventy files. */
import { createRequire } from 'node:module';
import type * as yaml from 'yaml';

const require = createRequire(import.meta.url);

export const loadYaml = (): typeof yaml => require('yaml');
