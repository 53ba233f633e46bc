import { hostname } from 'node:os';
import { shippedPrices } from '../../economics/prices/price-table.ts';
import { bindSetting, type MembershipConfig } from '../../settings/membership-settings.ts';
import { bySubject, runSettings } from '../../settings/run-settings.ts';
import type { SettingsTable } from '../../settings/setting.ts';
import { deadlinesFrom } from '../../shared/core/deadlines.ts';
import { shellQuoted } from '../../shared/core/shell-quoted.ts';
import type { Command } from '../command.ts';
import { configOption } from '../config-layers.ts';
import { runInterruptibly } from '../interruption.ts';
import { resolveRunSettings } from '../resumed-run.ts';
import { createRunOutput } from '../run-output.ts';
import { startRun } from '../start-run.ts';

/** As in `train`, but workers choose their own engine and threads. */
const coordinatorSettings = { bind: bindSetting, ...runSettings } as const satisfies SettingsTable;

export const coordinatorCommand: Command = {
  settings: coordinatorSettings,
  examples: [
    ['$0 coordinator --bind tcp://0.0.0.0:5555 --workers 2', 'two workers, from anywhere'],
    ['$0 coordinator --bind tcp://0.0.0.0:5555 --workers 2:8', 'up to eight, and no fewer than two'],
    [
      '$0 coordinator --workers 2:8 --drop-stragglers 3x',
      'without workers that take three times as long as the others',
    ],
    ['$0 worker --connect tcp://HOST:5555', 'one of them'],
  ],
  options: (command) => command.options(configOption),
  async run(argv) {
    const { settings, resumed } = resolveRunSettings(coordinatorSettings, argv);
    const config = bySubject(settings);
    const prices = shippedPrices();
    const output = createRunOutput(config, { verbose: argv.verbose === true, remote: true, prices });
    process.exitCode = await runInterruptibly({ note: output.note, secondDoes: 'ends at once' }, (run) =>
      startRun({
        ...run,
        // For `train --resume`, which starts workers of its own with the backend in `config.json`.
        settings: { ...settings, backend: 'auto' },
        resumed,
        bind: settings.bind,
        output,
        prices,
        onListening: ({ endpoint }) => output.note(waitingFor(config.membership, endpoint)),
      }),
    );
  },
};

function waitingFor({ workers, timeout }: MembershipConfig, endpoint: string): string {
  const seconds = Math.round(deadlinesFrom(timeout).rendezvousMs / 1000);
  const { min, max } = workers;
  const noun = max === 1 ? 'a worker' : `${min === max ? max : `${min} to ${max}`} workers`;
  return `waiting for ${noun}, ${seconds} s at most (--timeout): pennygrad worker --connect ${shellQuoted(reachable(endpoint))}`;
}

/** The endpoint as other hosts can use it, where it is bound to every address of this one. */
function reachable(endpoint: string): string {
  return endpoint.replace(/\/\/(0\.0\.0\.0|\[::\]|\*):/, `//${hostname()}:`);
}
