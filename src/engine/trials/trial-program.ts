/**
 * Measures one engine and prints one line of JSON: `node trial-program.js TASK`. A program of its own, so that a crash of an
 * engine's native code ends nothing else, and the memory of an engine that is not taken is free again.
 */
import { messageOf } from '../../shared/core/errors.ts';
import type { ModelSpec, OptimizerName } from '../../shared/model/model-spec.ts';
import type { EngineName } from '../engine.ts';
import { enginesWith } from '../engines.ts';
import { measureEngine } from './measure-engine.ts';

export interface TrialTask {
  readonly engine: EngineName;
  readonly threads: number | null;
  readonly model: ModelSpec;
  readonly optimizer: OptimizerName;
}

try {
  const { engine, threads, model, optimizer } = JSON.parse(process.argv[2] ?? '') as TrialTask;
  const provider = enginesWith(threads ?? undefined).find(({ name }) => name === engine);
  if (provider === undefined) throw new Error(`there is no engine ${engine}`);
  console.log(JSON.stringify(await measureEngine(provider, model, optimizer)));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
// An engine's library may keep the process alive.
process.exit();
