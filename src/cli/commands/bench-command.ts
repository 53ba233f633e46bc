import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchEngine, type EngineBenchRow } from '../../bench/engine-bench.ts';
import { benchTraining, type TrainBenchRow } from '../../bench/train-bench.ts';
import { usableCores } from '../../engine/usable-cores.ts';
import { type Column, renderTable } from '../../report/terminal/table.ts';
import { engineSettings } from '../../settings/engine-settings.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { integer, path } from '../../settings/schemas.ts';
import { trainingSettings } from '../../settings/training-settings.ts';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { formatCount, formatPercent } from '../../shared/core/number-format.ts';
import { pennygradVersion } from '../../shared/core/version.ts';
import { makeFolder } from '../../shared/files/make-folder.ts';
import type { Command } from '../command.ts';
import { paint, terminalColumns } from '../terminal.ts';

const benchSettings = {
  ...engineSettings,
  batchSize: { ...trainingSettings.batchSize, describe: 'Global batch of the training runs' },
  repeat: {
    type: 'string',
    describe: 'Rounds of runs; the result is their median',
    defaultText: '3',
    schema: integer(1, 100_000).default(3),
  },
  epochs: {
    ...trainingSettings.epochs,
    describe: 'Epochs per run; some slowdowns begin only after thousands of steps',
  },
  steps: { ...trainingSettings.steps, describe: 'Stop each run after this many steps' },
  out: {
    type: 'string',
    describe: 'File for the results',
    defaultText: 'bench-results/bench.json',
    schema: path.default('bench-results/bench.json'),
  },
  json: printSettings.json,
} as const;

const engineBatchSizes = [32, 64, 128];
const engineSeconds = 3;
const program = fileURLToPath(new URL('../main.js', import.meta.url));

export const benchCommand: Command = {
  settings: benchSettings,
  examples: [
    ['$0 bench', 'about five minutes'],
    ['$0 bench --steps 300 --repeat 1', 'a quick look'],
  ],
  async run(argv) {
    const settings = resolveSettings(benchSettings, argv, process.env, undefined);
    const say = (line: string) => (settings.json ? undefined : console.log(line));

    say(paint('bold', `engine ${settings.backend}, one worker's process, CNN with Adam`));
    const engine = await benchEngine({ ...settings, batchSizes: engineBatchSizes, seconds: engineSeconds });
    say(renderTable(engineColumns, engine, tableOptions()));

    say(paint('bold', `\ntrain, global batch ${settings.batchSize}, rounds: ${settings.repeat}`));
    const training = await benchTraining({
      program,
      workers: [1, 2],
      backend: settings.backend,
      threads: settings.threads,
      batchSize: settings.batchSize,
      epochs: settings.epochs,
      steps: settings.steps,
      repeats: settings.repeat,
      onRun: ({ workers, round, summary }) =>
        say(`round ${round + 1}, workers ${workers}: ${formatCount(summary.samples_per_second)} samples/s`),
    });
    say(`\n${renderTable(trainColumns, training, tableOptions())}`);

    const cores = usableCores();
    const machine = { node: process.version, pennygrad: pennygradVersion, cpu: cpus()[0]?.model ?? 'unknown', cores };
    const figures = { machine, settings, engine, training };
    save(settings.out, figures);
    if (settings.json) console.log(JSON.stringify(figures));
    say(`\n${machine.cpu}, ${cores} cores, Node ${machine.node}; figures in ${settings.out}`);
  },
};

const engineColumns: readonly Column<EngineBenchRow>[] = [
  { head: 'batch', cell: (row) => formatCount(row.batchSize) },
  { head: 'samples/s', cell: (row) => formatCount(row.samplesPerSecond) },
  { head: 'best', cell: (row) => formatCount(row.bestSamplesPerSecond) },
  { head: 'gradients ms', cell: (row) => row.phaseMilliseconds.gradients.toFixed(2) },
  { head: 'apply ms', cell: (row) => row.phaseMilliseconds.apply.toFixed(2) },
  { head: 'device', cell: (row) => row.device, align: 'left' },
];

const trainColumns: readonly Column<TrainBenchRow>[] = [
  { head: 'workers', cell: (row) => formatCount(row.workers) },
  { head: 'samples/s', cell: (row) => formatCount(row.samplesPerSecond) },
  { head: 'efficiency', cell: (row) => formatPercent(row.efficiency) },
  {
    head: 'last ÷ first epoch',
    cell: ({ lastToFirstEpoch }) => (lastToFirstEpoch === undefined ? '–' : formatPercent(lastToFirstEpoch)),
  },
  { head: 'step ms', cell: (row) => row.stepMilliseconds.total.toFixed(2) },
  { head: 'compute', cell: (row) => row.stepMilliseconds.compute.toFixed(2) },
  { head: 'communicate', cell: (row) => row.stepMilliseconds.communicate.toFixed(2) },
  { head: 'wait', cell: (row) => row.stepMilliseconds.wait.toFixed(2), expendable: 3 },
  { head: 'load', cell: (row) => row.stepMilliseconds.load.toFixed(2), expendable: 4 },
  { head: 'coordinator', cell: (row) => formatPercent(row.coordinatorCpuShare), expendable: 1 },
  { head: 'first step s', cell: (row) => row.secondsToFirstStep.toFixed(2), expendable: 2 },
];

function tableOptions() {
  return { columns: terminalColumns(), paint };
}

function save(file: string, figures: object): void {
  try {
    makeFolder(dirname(file));
    writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
  } catch (error) {
    throw badInput(`--out ${file}: ${messageOf(error)}`, error);
  }
}
