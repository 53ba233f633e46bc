/**
 * Trains three steps with an engine and prints one line of JSON (`Verification`): `node verify-engine.js ENGINE`. A
 * program of its own, so that a crash of the driver ends nothing else.
 */
import { engineProviders } from '../engine/engines.ts';
import { messageOf } from '../shared/core/errors.ts';
import { tryLearning } from './learning-trial.ts';
import type { Verification } from './verification.ts';

async function verify(name: string | undefined): Promise<Verification> {
  const provider = engineProviders.find((candidate) => candidate.name === name);
  if (provider === undefined) throw new Error(`there is no engine ${name}`);
  return tryLearning(provider.create);
}

try {
  console.log(JSON.stringify(await verify(process.argv[2])));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
