import { hostname } from 'node:os';
import type { Argv } from 'yargs';
import { z } from 'zod';
import { deadlinesFrom } from '../shared/core/deadlines.ts';
import { exitCodes } from '../shared/core/errors.ts';
import { listenForInterruption } from './interruption.ts';
import { resolveRunSettings } from './resumed-run.ts';
import { createRunOutput } from './run-output.ts';
import { configOption, trainSettings, yargsOptions } from './settings.ts';
import { startRun } from './start-run.ts';

/** Workers choose their own engine and threads; everything else is as in `train`. */
const { backend: _, threads: __, ...shared } = trainSettings;
export const coordinatorSettings = {
  bind: {
    type: 'string',
    describe: 'Where workers connect: tcp://ADDRESS:PORT, port * picks one',
    defaultText: 'tcp://127.0.0.1:5555',
    schema: z
      .string()
      .regex(/^(tcp|ipc):\/\/.+/, { error: 'tcp://ADDRESS:PORT' })
      .default('tcp://127.0.0.1:5555'),
  },
  ...shared,
} as const;

export function addCoordinatorCommand(cli: Argv): Argv {
  return cli.command(
    'coordinator',
    'Wait for workers from any host, and train with them',
    (command) =>
      command
        .options({ ...yargsOptions(coordinatorSettings), ...configOption })
        .example('$0 coordinator --bind tcp://0.0.0.0:5555 --workers 2', 'two workers, from anywhere')
        .example('$0 worker --connect tcp://HOST:5555', 'one of them'),
    async (argv) => {
      const { settings, resumed } = resolveRunSettings(coordinatorSettings, argv);
      const output = createRunOutput({ ...settings, verbose: argv.verbose === true, remote: true });
      let exitCode: number | undefined;
      const interruption = listenForInterruption(
        () => {
          if (exitCode === undefined) output.note('stopping after the step in flight; Ctrl-C again ends at once');
        },
        () => process.exit(exitCode ?? exitCodes.interrupted),
      );
      try {
        await startRun({
          settings: { ...settings, backend: 'auto', threads: undefined },
          resumed,
          bind: settings.bind,
          output,
          signal: interruption.signal,
          onListening: ({ endpoint }) => output.note(waitingFor(settings, endpoint)),
          onEnd(code) {
            exitCode = code;
          },
        });
        process.exitCode = exitCode ?? exitCodes.runFailed;
      } finally {
        interruption.dispose();
      }
    },
  );
}

function waitingFor({ workers, timeout }: { readonly workers: number; readonly timeout: number }, endpoint: string) {
  const seconds = Math.round(deadlinesFrom(timeout).rendezvousMs / 1000);
  const noun = workers === 1 ? 'a worker' : `${workers} workers`;
  return `waiting for ${noun}, ${seconds} s at most (--timeout): pennygrad worker --connect ${reachable(endpoint)}`;
}

/** Where another host finds an endpoint that is bound to every address of this one. */
function reachable(endpoint: string): string {
  return endpoint.replace(/\/\/(0\.0\.0\.0|\[::\]|\*):/, `//${hostname()}:`);
}
