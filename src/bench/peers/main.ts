/** `npm run bench:engines`: progress on stderr, the tables on stdout, all figures in `--json FILE`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createPaint } from '../../report/terminal/colour.ts';
import { renderTable } from '../../report/terminal/table.ts';
import { badInput, exitCodeOf, exitCodes, messageOf, PennygradError } from '../../shared/core/errors.ts';
import { formatCount } from '../../shared/core/number-format.ts';
import { pennygradVersion } from '../../shared/core/version.ts';
import { loadDataset } from '../../shared/data/load-dataset.ts';
import { makeFolder } from '../../shared/files/make-folder.ts';
import { modelSize } from '../model-flops.ts';
import { type BenchArguments, help, parseArguments } from './arguments.ts';
import { type Absent, type Candidate, ddpCommand, engineCandidates, peerCandidate, peerTitles } from './candidates.ts';
import { compare } from './comparison.ts';
import { engineColumns, pairColumns, tableRows } from './comparison-table.ts';
import { allowedCores, hasTaskset } from './cores.ts';
import { measureOnOneCore } from './one-core.ts';
import { createProcesses, type Processes } from './processes.ts';
import { ddpTitle, measureTwoProcesses, oneWorkerTitle, twoEnginesTitle, twoThreadsTitle } from './two-processes.ts';

const note = (line: string) => console.error(line);

async function bench(options: BenchArguments, processes: Processes, folder: string): Promise<void> {
  const { rounds, seconds, steps, 'batch-sizes': batchSizes } = options;
  const cores = (await hasTaskset(processes)) ? chooseCores(options.cores) : undefined;
  const dataset = await loadDataset('mnist');
  writeFileSync(join(folder, 'images.bin'), dataset.train.images);
  writeFileSync(join(folder, 'labels.bin'), dataset.train.labels);
  const model = await modelSize({ name: 'cnn', inputShape: dataset.imageShape, classes: dataset.classes });
  const machine = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    pinned_to: cores ?? null,
    node: process.version,
    pennygrad: pennygradVersion,
  };
  const where = cores === undefined ? 'not pinned to a core: no taskset here' : `pinned to core ${cores[0]}`;
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, pennygrad ${machine.pennygrad}`);

  const peerOptions = { dataFolder: folder, onProgress: note };
  const listed: (Candidate | Absent)[] = [...(await engineCandidates(options.engines))];
  for (const name of options.peers) listed.push(await peerCandidate(processes, name, peerOptions));
  const candidates = listed.filter((entry) => 'command' in entry);
  const oneCore = await measureOnOneCore(processes, {
    candidates,
    batchSizes,
    rounds,
    seconds,
    core: cores?.[0],
    parameters: model.parameters,
    onProgress: note,
  });
  const engines = compare(oneCore.measurements, {
    baselines: Object.values(peerTitles),
    flopsPerSample: model.flops,
    peakFlops: oneCore.peakFlops,
  });
  const absent = [...listed.filter((entry) => 'reason' in entry), ...oneCore.absent];
  const remarks = new Map(candidates.map(({ title, remark }) => [title, remark]));
  console.log(
    `\nOne core (${where}), ${formatCount(model.parameters)} parameters, ${(model.flops / 1e6).toFixed(1)} MFLOP a sample, median of ${rounds} rounds of ${seconds} s`,
  );
  console.log(`${renderTable(engineColumns, tableRows(engines, absent, remarks), tableOptions)}\n`);
  for (const [title, device] of Object.entries(oneCore.devices)) console.log(`${title}: ${device}`);

  const pair = steps === 0 ? undefined : await measurePair(options, processes, folder, cores);
  if (options.json !== undefined) {
    const { devices, measurements, peakFlops } = oneCore;
    save(options.json, {
      machine,
      options,
      model,
      peakFlops: peakFlops ?? null,
      devices,
      engines,
      absent,
      measurements,
      pair,
    });
  }
}

async function measurePair(
  { rounds, steps, seconds, peers, 'batch-sizes': batchSizes }: BenchArguments,
  processes: Processes,
  dataFolder: string,
  cores: readonly number[] | undefined,
) {
  // Processes started from here on inherit this: coordinator, workers and PyTorch's processes share the two cores.
  if (cores !== undefined) {
    const args = ['-a', '-c', '-p', cores.slice(0, 2).join(','), String(process.pid)];
    await processes.output({ program: 'taskset', args });
  }
  const absent: Absent[] = [];
  const ddp = peers.includes('torch')
    ? await ddpCommand(processes, { dataFolder, onProgress: note }).catch((error) => {
        absent.push({ title: ddpTitle, reason: messageOf(error) });
        return undefined;
      })
    : undefined;
  const result = await measureTwoProcesses(processes, { batchSizes, rounds, steps, seconds, ddp, onProgress: note });
  absent.push(...result.absent);
  const baselines = [oneWorkerTitle, twoThreadsTitle, twoEnginesTitle, ddpTitle];
  const rows = compare(result.measurements, { baselines, flopsPerSample: 0, peakFlops: undefined });
  console.log(`\nTwo cores, global batch, ${formatCount(steps)} steps, median of ${rounds} rounds`);
  console.log(renderTable(pairColumns(baselines), tableRows(rows, absent), tableOptions));
  return { rows, absent, measurements: result.measurements };
}

const tableOptions = {
  columns: process.stdout.columns ?? 160,
  paint: createPaint(process.stdout.isTTY === true && !process.env.NO_COLOR),
};

/** The cores to pin to. By default the last two that this process may use, because the first ones handle interrupts. */
function chooseCores(wanted: readonly number[] | undefined): readonly number[] | undefined {
  const allowed = allowedCores();
  const missing = wanted?.find((core) => allowed?.includes(core) === false);
  if (missing !== undefined) throw badInput(`--cores ${missing}: this process may use only ${allowed?.join(', ')}`);
  return wanted ?? allowed?.slice(-2).reverse();
}

function save(file: string, figures: object): void {
  try {
    makeFolder(dirname(file));
    writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
  } catch (error) {
    throw badInput(`--json ${file}: ${messageOf(error)}`, error);
  }
}

const processes = createProcesses();
const folder = mkdtempSync(join(tmpdir(), 'pennygrad-bench-'));
process.on('exit', () => {
  processes.killAll();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => process.exit(exitCodes.interrupted));
}
try {
  const options = parseArguments(process.argv.slice(2));
  if (options === 'help') console.log(help);
  else await bench(options, processes, folder);
} catch (error) {
  console.error(error instanceof PennygradError ? `bench:engines: ${error.message}` : error);
  process.exitCode = exitCodeOf(error);
}
