/** What a run comes to that nothing befalls: the parameters after as many steps as are asked for, trained by one worker. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../support/pennygrad.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

export interface UndisturbedRun {
  /** Trains on as far as this step, and tells which checkpoints there are. */
  savedUpTo(step: number): Promise<ReadonlySet<string>>;
  /** @param checkpoint of those that there are */
  parameters(checkpoint: string): Buffer;
}

/** Steps in one go: a start takes longer than they do. */
const chunk = 1000;

export const checkpointsOf = (out: string) =>
  readdirSync(join(out, 'checkpoints')).filter((name) => name.startsWith('step-'));

export const stepOf = (checkpoint: string) => Number(checkpoint.slice('step-'.length));

export const parametersOf = (out: string, checkpoint: string) =>
  readFileSync(join(out, 'checkpoints', checkpoint, 'weights.bin'));

/** @param training flags that both runs have */
export function startUndisturbed(training: readonly string[]): UndisturbedRun {
  const out = join(temporaryFolder(), 'undisturbed');
  let trained = 0;
  let growing: Promise<void> = Promise.resolve();

  async function grow(step: number): Promise<void> {
    if (step <= trained) return;
    const steps = String(chunk * Math.ceil(step / chunk));
    const begin = [
      '--workers',
      '1',
      '--backend',
      'wasm',
      '--metrics-port',
      '0',
      '--out',
      out,
      ...training,
      '--deterministic',
    ];
    const { code, stderr } = await run(['train', ...(trained === 0 ? begin : ['--resume', out]), '--steps', steps]);
    if (code !== 0) throw new Error(`the undisturbed run ended with code ${code}: ${stderr}`);
    trained = Number(steps);
  }

  return {
    async savedUpTo(step) {
      growing = growing.then(() => grow(step));
      await growing;
      return new Set(checkpointsOf(out));
    },
    parameters: (checkpoint) => parametersOf(out, checkpoint),
  };
}
