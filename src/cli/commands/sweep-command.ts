import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadPrices } from '../../economics/prices/price-table.ts';
import { usableCores } from '../../engine/usable-cores.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { exitCodes, PennygradError } from '../../shared/core/errors.ts';
import { formatCount, formatSeconds } from '../../shared/core/number-format.ts';
import { shellQuoted } from '../../shared/core/shell-quoted.ts';
import { pennygradVersion } from '../../shared/core/version.ts';
import type { SweepRun } from '../../sweep/grid.ts';
import { runSweep } from '../../sweep/run-sweep.ts';
import { readSweep } from '../../sweep/sweep-file.ts';
import { createTrainProcess } from '../../sweep/train-process.ts';
import type { Command } from '../command.ts';
import { readRuns } from '../compared-runs.ts';
import { configOption, readLayers } from '../config-layers.ts';
import { listenForInterruption } from '../interruption.ts';
import { compareAtPrices, printComparison } from '../print-comparison.ts';
import { printWarning } from '../print-warning.ts';
import { readUnmeasuredRuns } from '../read-unmeasured-runs.ts';
import { sweepSettings, sweepTask, withoutTrainVariables } from '../sweep-settings.ts';

const program = fileURLToPath(new URL('../main.js', import.meta.url));

export const sweepCommand: Command = {
  settings: sweepSettings,
  examples: [
    ['$0 sweep --workers 1,2,4 --batch-size 64,256', 'strong and weak scaling, three rounds'],
    ['$0 sweep --backend wasm,tensorflow --price 0.35 --steps 300', 'two engines, runs cut short'],
    [`$0 sweep --fleet 'backend=wasm,price=1 + backend=cpu,price=0.1,count=2'`, 'workers that differ'],
    ['$0 sweep --heterogeneous', 'when does a slow cheap card pay off beside a fast one?'],
    ['$0 sweep --out sweeps/a', 'continue the sweep in that folder, as it was begun'],
  ],
  options: (command) => command.options(configOption),
  async run(argv) {
    const layers = readLayers(argv);
    const settings = resolveSettings(sweepSettings, ...layers);
    const out = settings.out ?? join('sweeps', new Date(systemClock.unixMs()).toISOString().replace(/[:.]/g, ''));
    const shown = relative(process.cwd(), out) || out;
    const again = `pennygrad sweep --out ${shellQuoted(shown)}`;
    const say = (line: string) => (settings.quiet || settings.json ? undefined : console.log(line));
    const tell = (event: string, run: SweepRun, more: object = {}) =>
      settings.json ? console.log(JSON.stringify({ event, run: run.id, ...more })) : undefined;

    const interruption = listenForInterruption(
      () => say('stopping after the step in flight; Ctrl-C again kills at once'),
      () => process.exit(exitCodes.interrupted),
    );
    try {
      const failed = await runSweep(
        {
          out,
          ...sweepTask(out, layers),
          machine: {
            cpu: cpus()[0]?.model ?? 'unknown',
            cores: usableCores(),
            node: process.version,
            pennygrad: pennygradVersion,
          },
        },
        {
          train: createTrainProcess(program, withoutTrainVariables(process.env)),
          clock: systemClock,
          signal: interruption.signal,
          onSkip: (run) => {
            say(`${run.id}: already complete`);
            tell('skip', run);
          },
          onBegin: ({ run, number, total, remainingSeconds }) => {
            const left = remainingSeconds === undefined ? '' : `, about ${formatSeconds(remainingSeconds)} to go`;
            say(`${run.id}: run ${number} of ${total}${left}`);
            tell('begin', run, { number, total, remaining_seconds: remainingSeconds ?? null });
          },
          onRun: (run, summary, seconds) => {
            const rate = `${formatCount(summary.samples_per_second)} samples/s`;
            say(`${run.id}: ${rate}, ${formatSeconds(seconds)} with start-up`);
            tell('run', run, { seconds, summary });
          },
          onFailure: (run, reason) => {
            printWarning(`run ${run.id} failed: ${reason}`);
            tell('failure', run, { reason });
          },
        },
      );
      say('');
      // While no run is complete there is nothing to compare.
      if (readSweep(out)?.runs.length !== 0) {
        const runs = readRuns([], out);
        const unmeasured = await readUnmeasuredRuns({ named: [], sweep: out, runs });
        const comparison = compareAtPrices(runs, loadPrices(settings.prices), unmeasured);
        printComparison(comparison, settings.json, { event: 'comparison' });
      }
      if (failed.length > 0) {
        const names = failed.map(({ id }) => id).join(', ');
        throw new PennygradError('run-failed', `runs failed: ${names}; to run them again: ${again}`);
      }
      say(
        `all runs are in ${shown}; the same with plots: pennygrad compare --sweep ${shellQuoted(shown)} --html report.html`,
      );
    } catch (error) {
      if (!(error instanceof PennygradError) || error.code !== 'interrupted') throw error;
      throw new PennygradError('interrupted', `${error.message}; to continue: ${again}`);
    } finally {
      interruption.dispose();
    }
  },
};
