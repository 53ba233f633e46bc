/** Chooses a worker's engine. With `auto`, a trial decides between several, and is remembered for the next time. */
import { deterministicEnginesWith, type EngineSelection, enginesWith, selectEngine } from '../engine/engines.ts';
import { runProgram } from '../engine/run-program.ts';
import { threadsIn } from '../engine/tensorflow/tensorflow-environment.ts';
import { usableCores } from '../engine/usable-cores.ts';
import type { EngineConfig } from '../settings/engine-settings.ts';
import { systemClock } from '../shared/core/clock.ts';
import { deadlinesFrom } from '../shared/core/deadlines.ts';
import { systemTimers } from '../shared/core/timers.ts';
import type { EngineNeeds } from '../worker/run-worker.ts';

/** @param log takes a line that says what takes a moment */
export function selectWorkerEngine(
  { backend, threads }: EngineConfig,
  { model, optimizer, deterministic, timeoutSeconds }: EngineNeeds,
  log: (line: string) => void,
): Promise<EngineSelection> {
  const providers = deterministic ? deterministicEnginesWith(threads) : enginesWith(threads);
  return selectEngine(backend, providers, async (contenders) => {
    // Most workers have nothing to try.
    const [{ thisMachine, trialsFolder }, { tryEngines }] = await Promise.all([
      import('../engine/trials/this-machine.ts'),
      import('../engine/trials/try-engines.ts'),
    ]);
    return tryEngines(
      {
        machine: thisMachine(),
        threads: threads ?? null,
        tensorflowThreads: threads ?? threadsIn(process.env, Math.ceil(usableCores())),
        model,
        optimizer: optimizer.name,
        contenders,
      },
      {
        folder: trialsFolder(),
        limitMs: deadlinesFrom(timeoutSeconds).trialMs,
        run: runProgram,
        clock: systemClock,
        timers: systemTimers,
        onTrial: (engines) => log(`trying engines ${engines.join(' and ')} on this model, once for this machine`),
      },
    );
  });
}
