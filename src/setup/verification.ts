/** Verifies, in a process of its own, that an engine can train. */
import { fileURLToPath } from 'node:url';
import type { EngineName } from '../engine/engine.ts';
import type { RunProgram } from '../engine/run-program.ts';
import { PennygradError } from '../shared/core/errors.ts';

/** The result of three steps on the same few images. */
export interface Verification {
  readonly device: string;
  /** The mean loss before each step, in nats. It falls if the engine learns. */
  readonly losses: readonly number[];
}

const script = fileURLToPath(new URL('./verify-engine.js', import.meta.url));
const timeoutMs = 120_000;

/** @throws PennygradError `run-failed` with the engine's error, if it does not train */
export async function verifyEngine(name: EngineName, run: RunProgram): Promise<Verification> {
  const { code, stdout, stderr } = await run(process.execPath, [script, name], { timeoutMs });
  if (code === 0) return checkLearning(name, JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Verification);
  const lastWords = stderr.trim().split('\n').at(-1) ?? '';
  const crash = `its process was killed, perhaps by a crash of the driver, or took longer than ${timeoutMs / 1000} s`;
  const reason = code === undefined ? [crash, lastWords].filter(Boolean).join(': ') : lastWords;
  throw new PennygradError('run-failed', `engine ${name} is installed but does not train: ${reason}`);
}

/** @throws PennygradError `run-failed` if a loss is not finite or does not fall */
export function checkLearning(name: EngineName, verification: Verification): Verification {
  const { device, losses } = verification;
  const falls = losses.every((loss, i) => Number.isFinite(loss) && (i === 0 || loss < (losses[i - 1] as number)));
  if (losses.length > 0 && falls) return verification;
  throw new PennygradError(
    'run-failed',
    `engine ${name} on ${device} computes wrong results: losses ${losses.join(', ')} do not fall; update the GPU's driver`,
  );
}
