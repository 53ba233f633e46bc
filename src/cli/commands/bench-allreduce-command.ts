import { cpus } from 'node:os';
import { type AllReduceRow, benchAllReduce, type Measured } from '../../bench/all-reduce/all-reduce-bench.ts';
import { decideRoom } from '../../bench/all-reduce/room.ts';
import { createProcesses } from '../../bench/peers/processes.ts';
import { usableCores } from '../../engine/usable-cores.ts';
import { snakeCased } from '../../report/snake-case.ts';
import { type Column, renderTable } from '../../report/terminal/table.ts';
import { linkDelay } from '../../settings/link-delay.ts';
import { linkRate } from '../../settings/link-rate.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { between, integer, listOf } from '../../settings/schemas.ts';
import { badInput, exitCodes, PennygradError } from '../../shared/core/errors.ts';
import { countOf, formatCount } from '../../shared/core/number-format.ts';
import { pennygradVersion } from '../../shared/core/version.ts';
import type { Command } from '../command.ts';
import { listenForInterruption } from '../interruption.ts';
import { paint, terminalColumns } from '../terminal.ts';

/** More processes than most hosts have cores, and vectors of 512 MiB. */
const [mostRanks, mostFloats] = [16, 2 ** 27];

const allReduceSettings = {
  world: {
    type: 'string',
    describe: `Numbers of processes, 1 to ${mostRanks}`,
    defaultText: '2,4,8',
    schema: listOf(integer(1, mostRanks), '2,4,8').default([2, 4, 8]),
  },
  floats: {
    type: 'string',
    describe: `Lengths of the vectors in float32, 1 to ${mostFloats}`,
    defaultText: '93322,1e6,1e7',
    schema: listOf(integer(1, mostFloats), '1e5,1e6').default([93_322, 1_000_000, 10_000_000]),
  },
  link: {
    type: 'string',
    describe:
      'Rates of links between hosts, one for each process, like 1gbit,100mbit; run it as root, with ip and tc of iproute2',
    defaultText: 'processes of this host',
    schema: listOf(linkRate, '1gbit,10gbit').optional(),
  },
  delay: {
    type: 'string',
    describe:
      'Extra delay of messages between processes, each way, like 0.2ms,5ms: relays hold them for so long (not those of gloo, and none in shared memory)',
    defaultText: 'no longer than links take',
    schema: listOf(linkDelay, '0.2ms,5ms').optional(),
  },
  repeat: {
    type: 'string',
    describe: 'Rounds; the result is their median',
    defaultText: '5',
    schema: integer(1, 1000).default(5),
  },
  seconds: {
    type: 'string',
    describe: 'How long each algorithm is measured in a round',
    defaultText: '0.5',
    schema: between(0.001, 600).default(0.5),
  },
  json: { ...printSettings.json, describe: 'Print one JSON object on stdout' },
} as const;

/** For the help. `algbw` and `busbw` are those of nccl-tests. */
const explainedColumns = [
  'Columns: path, by what the processes reach each other; size B, the bytes of a vector; count, its floats; time, from the start',
  'until all have the sum; algbw, size ÷ time; busbw, algbw × 2 (n − 1) / n with n processes, which compares worlds of any size;',
  'wrong, floats of the sum that are wrong; ÷ gloo, the time over that of PyTorch’s gloo, so below 1 is faster.',
].join(' ');

export const benchAllReduceCommand: Command = {
  settings: allReduceSettings,
  examples: [
    ['$0 bench allreduce', 'some minutes'],
    ['$0 bench allreduce --world 2 --floats 93322', 'two processes and the gradient of the default CNN'],
    ['$0 bench allreduce --link 1gbit,100mbit --floats 93322', 'hosts of their own, with links of that rate'],
    ['$0 bench allreduce --link 100mbit --delay 0.2ms,5ms', 'the same, further apart'],
    ['sudo $0 bench allreduce --link 1gbit', 'the same as root, which alone may make hosts'],
    ['$0 bench allreduce --world 2 --floats 1e6,1e7 --json > allreduce.json', 'for a program'],
  ],
  options: (command) => command.epilogue(explainedColumns),
  async run(argv) {
    const {
      world,
      floats,
      link = [undefined],
      delay = [undefined],
      repeat,
      seconds,
      json,
    } = resolveSettings(allReduceSettings, argv, process.env, undefined);
    const room = decideRoom(Math.max(...world), Math.max(...floats), process.availableMemory());
    if (room.kind === 'lacking') throw badInput(room.reason);
    const rows = await measure({ worlds: world, floats, links: link, delays: delay, rounds: repeat, seconds });
    const cpu = cpus()[0]?.model.trim() ?? 'unknown';
    const machine = { node: process.version, pennygrad: pennygradVersion, cpu, cores: usableCores() };
    if (json) console.log(JSON.stringify(snakeCased({ machine, rounds: repeat, rows: rows.map(flat) })));
    else {
      console.log(renderTable(columns, rows, { columns: terminalColumns(), paint }));
      console.log(
        `\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${repeat === 1 ? 'one round' : `median of ${repeat} rounds`}`,
      );
    }
    requireRight(rows);
  },
};

/** Ctrl-C ends all processes, and so does whatever else ends this one. */
async function measure(
  options: Pick<Parameters<typeof benchAllReduce>[0], 'worlds' | 'floats' | 'links' | 'delays' | 'rounds' | 'seconds'>,
): Promise<readonly AllReduceRow[]> {
  const processes = createProcesses();
  const interruption = listenForInterruption(
    () => processes.killAll(),
    () => process.exit(exitCodes.interrupted),
  );
  process.on('exit', processes.killAll);
  try {
    const onProgress = (line: string) => console.error(line);
    return await benchAllReduce({ ...options, processes, onProgress, signal: interruption.signal });
  } finally {
    processes.killAll();
    process.off('exit', processes.killAll);
    interruption.dispose();
  }
}

/** A sum that is wrong is worth nothing, however fast it is. */
function requireRight(rows: readonly AllReduceRow[]): void {
  const wrong = rows.find(({ measured }) => measured !== undefined && measured.wrong > 0);
  if (wrong === undefined) return;
  const { algorithm, world, count, measured } = wrong;
  throw new PennygradError(
    'run-failed',
    `${algorithm} with ${countOf(world, 'process', 'es')} and ${countOf(count, 'float')} has summed ${countOf(measured?.wrong ?? 0, 'float')} wrong`,
  );
}

/** As JSON has it: one level. */
function flat({ measured, ...row }: AllReduceRow): object {
  return { ...row, ...measured };
}

const figure = (format: (measured: Measured) => string) => (row: AllReduceRow) =>
  row.measured === undefined ? '–' : format(row.measured);

/** A link of 100 Mbit/s carries 0.0125 GB/s. */
const bandwidth = (gbPerSecond: number) => gbPerSecond.toFixed(gbPerSecond < 0.1 ? 4 : 2);

/** The columns of nccl-tests, after what it does not have. */
const columns: readonly Column<AllReduceRow>[] = [
  { head: 'processes', cell: ({ world }) => String(world) },
  { head: 'algorithm', cell: ({ algorithm }) => algorithm, align: 'left' },
  {
    head: 'link',
    cell: ({ linkBitsPerSecond: rate }) => (rate === undefined ? '–' : `${formatCount(rate / 1e6)} Mbit/s`),
    expendable: 3,
  },
  {
    head: 'delay',
    cell: ({ delaySeconds: delay }) => (delay === undefined ? '–' : `${Number((1000 * delay).toPrecision(4))} ms`),
    expendable: 4,
  },
  { head: 'path', cell: ({ path }) => path, align: 'left', expendable: 2 },
  { head: 'size B', cell: ({ sizeBytes }) => formatCount(sizeBytes), expendable: 1 },
  { head: 'count', cell: ({ count }) => formatCount(count) },
  { head: 'time µs', cell: figure(({ timeUs }) => formatCount(timeUs)) },
  { head: 'algbw GB/s', cell: figure(({ algbwGbPerSecond }) => bandwidth(algbwGbPerSecond)) },
  { head: 'busbw GB/s', cell: figure(({ busbwGbPerSecond }) => bandwidth(busbwGbPerSecond)) },
  { head: 'wrong', cell: figure(({ wrong }) => formatCount(wrong)) },
  { head: '÷ gloo', cell: figure(({ timeToGloo }) => (timeToGloo === undefined ? '–' : timeToGloo.toFixed(2))) },
  {
    head: '',
    cell: ({ absent }) => (absent === undefined ? '' : `not measured: ${absent}`),
    align: 'left',
  },
];
