import { readFileSync } from 'node:fs';

const packageJson = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};

/** The version of this package, as its package.json has it. */
export const pennygradVersion: string = packageJson.version;

/** The versions of Node that it runs on, as `>=MAJOR.MINOR.PATCH`. */
export const requiredNode: string = packageJson.engines.node;
