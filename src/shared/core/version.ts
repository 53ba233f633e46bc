import { readFileSync } from 'node:fs';

const packageJson = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};

/** The version of this package, from package.json. */
export const pennygradVersion: string = packageJson.version;

/** The versions of Node that this package supports, as `>=MAJOR.MINOR.PATCH`. */
export const requiredNode: string = packageJson.engines.node;
