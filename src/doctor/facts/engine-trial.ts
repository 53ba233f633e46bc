/** Tries one engine. A program of its own, so that a crash of the engine's native code ends nothing else. */
import { benchEngine } from '../../bench/engine-bench.ts';
import type { EngineName } from '../../engine/engine.ts';
import { engineProviders } from '../../engine/engines.ts';
import { messageOf } from '../../shared/core/errors.ts';
import type { EngineSpeed, EngineTrialMessage, EngineTrialTask } from './engine-trial-messages.ts';

function tell(message: EngineTrialMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

async function tryEngine({ engine, batchSize, seconds }: EngineTrialTask): Promise<void> {
  const provider = engineProviders.find(({ name }) => name === engine);
  if (provider === undefined) throw new Error(`there is no engine ${engine}`);
  const availability = await provider.probe();
  await tell({ type: 'probed', availability });
  if (!availability.usable || seconds === 0) return;
  const speed = await measureEngine({ engine, batchSize, seconds });
  if (speed !== undefined) await tell({ type: 'measured', speed });
}

/** Measures steps of one sample first, and whole batches only if one takes less than `seconds`. */
async function measureEngine({ engine, batchSize, seconds }: EngineTrialTask): Promise<EngineSpeed | undefined> {
  const single = await measureBatch(engine, 1, Math.min(seconds, 0.1));
  if (single === undefined || batchSize / single.samplesPerSecond > seconds) return single;
  return measureBatch(engine, batchSize, seconds);
}

async function measureBatch(engine: EngineName, batchSize: number, seconds: number): Promise<EngineSpeed | undefined> {
  // Speed does not depend on what the images show, and drawn digits need no files or network.
  const [row] = await benchEngine({ backend: engine, batchSizes: [batchSize], seconds, dataset: 'digits' });
  if (row === undefined) return undefined;
  const { samplesPerSecond, bestSamplesPerSecond, steps } = row;
  return { samplesPerSecond, bestSamplesPerSecond, batchSize, steps };
}

process.on('disconnect', () => process.exit());
process.once('message', (task: EngineTrialTask) => {
  tryEngine(task)
    .catch((error: unknown) => tell({ type: 'failed', message: messageOf(error) }))
    // An engine's library may keep the process alive.
    .finally(() => process.exit());
});
