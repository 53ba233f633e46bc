#!/usr/bin/env node
/**
 * Where the process begins. This file and what it imports must load in every version of Node, so that an old one gets a
 * sentence instead of a SyntaxError. The rest is in `program.ts`.
 */
import { homedir } from 'node:os';
import { exitCodes, messageOf } from '../shared/core/errors.ts';
import { isAtLeast } from '../shared/core/node-version.ts';
import { requiredNode } from '../shared/core/version.ts';

if (!isAtLeast(process.versions.node, requiredNode)) {
  console.error(
    `pennygrad: needs Node ${requiredNode}, and this is ${process.versions.node}; install a current one from https://nodejs.org`,
  );
  process.exit(exitCodes.usage);
}

// Nearly everything asks for the working directory, and Node throws where it was deleted.
try {
  process.cwd();
} catch (error) {
  console.error(`pennygrad: the working directory cannot be used (${messageOf(error)}); change to another`);
  process.exit(exitCodes.usage);
}

// A user without HOME and without an entry in passwd (`docker run --user 1234`) has no home folder. Node then throws
// wherever one is asked for. This is the name that Debian gives the home folder of users without one.
try {
  homedir();
} catch {
  process.env.HOME = '/nonexistent';
}

// The variable is that of `launch/managed-variable.ts`.
if (process.env.PENNYGRAD_MANAGED !== undefined && process.argv[2] === 'worker') await import('./managed-worker.ts');
else await import('./program.ts');
