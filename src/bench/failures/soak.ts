/**
 * `npm run bench:soak`: a long run of local workers, one of which is killed every so many seconds, and whether what it uses
 * grows. One worker is never killed, to see what losses do to those that live on.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createPaint } from '../../report/terminal/colour.ts';
import { renderTable } from '../../report/terminal/table.ts';
import { badInput, exitCodeOf, exitCodes, messageOf } from '../../shared/core/errors.ts';
import { type Figure, fewestSamples, findGrowth, type Growth } from './growth.ts';
import { type KilledRun, positiveFlag, requireRunning, startKilledRun, workersOf } from './killed-run.ts';
import { filesIn, useOf } from './process-use.ts';

const help = `npm run bench:soak -- [--minutes 20] [--every 30] [--workers 3]

  --minutes 20   how long, from the first step
  --every 30     seconds between two kills; a sample is taken before each
  --workers 3    local workers; at least 2, of which one is never killed

Prints what the last third of the samples has beside the first, and exits with code 3 where something grows.`;

/**
 * With the usual room Node lets garbage lie for many minutes: memory then grows by 4 MB a minute, kills or not, as it would
 * with a leak. In a small heap garbage is collected soon, and what still grows is in use. In MiB.
 */
const smallHeap = '--max-old-space-size=64';
/** Pages that were used once are not all given back, so memory is no exact figure. */
const memory = { amount: 24 * 2 ** 20, share: 0.15 };
/** A scrape, or a checkpoint that is being written. */
const passing = { amount: 2, share: 0 };
/** A checkpoint more, while it is written. */
const checkpoint = { amount: 8, share: 0 };
/** Shares that change make longer lines. */
const linear = { amount: 0, share: 0.5 };

/** The ledger has its lines by time, the others by steps. */
const logs = [
  { name: 'metrics.jsonl', per: '1,000 steps' },
  { name: 'ledger.jsonl', per: 'minute' },
  { name: 'samples.audit', per: '1,000 steps' },
] as const;
const nameOf = ({ name, per }: (typeof logs)[number]) => `${name}: bytes, per ${per}`;

const figures: readonly Figure[] = [
  ...['coordinator', 'worker'].flatMap((who): readonly Figure[] => [
    { name: `${who}: memory, MB`, allowed: { amount: memory.amount / 1e6, share: memory.share } },
    { name: `${who}: handles`, allowed: passing },
    { name: `${who}: sockets`, allowed: passing },
    { name: `${who}: threads`, allowed: passing },
  ]),
  { name: 'coordinator: children', allowed: { amount: 0, share: 0 } },
  { name: 'run folder: files', allowed: checkpoint },
  { name: 'run folder: MB but for logs', allowed: { amount: 2, share: 0 } },
  { name: 'temporary folder: files', allowed: { amount: 0, share: 0 } },
  ...logs.map((log) => ({ name: nameOf(log), allowed: linear })),
];

type Sample = Readonly<Record<string, number>>;

/** Logs grow: what counts is by how much since the sample before. */
interface LogSizes {
  /** `performance.now()`. */
  readonly at: number;
  readonly steps: number;
  readonly bytes: readonly number[];
}

function sizesOf(out: string, steps: number): LogSizes {
  return { at: performance.now(), steps, bytes: logs.map(({ name }) => statSync(join(out, name)).size) };
}

function take(
  { job }: KilledRun,
  survivor: number,
  out: string,
  temporary: string,
  before: LogSizes,
  now: LogSizes,
): Sample {
  const processes = { coordinator: useOf(job.pid ?? 0), worker: useOf(survivor) };
  const files = filesIn(out);
  const logBytes = now.bytes.reduce((sum, bytes) => sum + bytes, 0);
  const sample = new Map<string, number>();
  for (const [who, use] of Object.entries(processes)) {
    sample.set(`${who}: memory, MB`, use.rssBytes / 1e6);
    sample.set(`${who}: handles`, use.handles);
    sample.set(`${who}: sockets`, use.sockets);
    sample.set(`${who}: threads`, use.threads);
  }
  sample.set('coordinator: children', workersOf(job).length);
  sample.set('run folder: files', files.count);
  sample.set('run folder: MB but for logs', (files.bytes - logBytes) / 1e6);
  sample.set('temporary folder: files', filesIn(temporary).count);
  logs.forEach((log, index) => {
    const grown = (now.bytes[index] ?? 0) - (before.bytes[index] ?? 0);
    const amount = log.per === 'minute' ? (now.at - before.at) / 60_000 : (now.steps - before.steps) / 1000;
    sample.set(nameOf(log), grown / amount);
  });
  return Object.fromEntries(sample);
}

interface Soak {
  readonly minutes: number;
  readonly every: number;
  readonly workers: number;
}

async function soak({ minutes, every, workers }: Soak, folder: string): Promise<readonly Sample[]> {
  const [out, temporary] = [join(folder, 'run'), mkdtempSync(join(folder, 'temporary-'))];
  const run = await startKilledRun(workers, out, { TMPDIR: temporary, NODE_OPTIONS: smallHeap });
  const { job, watch } = run;
  try {
    const began = performance.now();
    const samples: Sample[] = [];
    const [survivor] = workersOf(job);
    if (survivor === undefined) throw badInput('the run has no worker');
    let before = sizesOf(out, watch.steps());
    for (let count = 1; count * every <= 60 * minutes; count++) {
      await sleep(Math.max(0, began + count * every * 1000 - performance.now()));
      requireRunning(job);
      if (!workersOf(job).includes(survivor))
        throw badInput(`the worker that nobody kills, pid ${survivor}, has ended`);
      const now = sizesOf(out, watch.steps());
      samples.push(take(run, survivor, out, temporary, before, now));
      before = now;
      const others = workersOf(job).filter((pid) => pid !== survivor);
      const victim = others[count % others.length];
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
      console.error(`${((count * every) / 60).toFixed(1)} min: ${now.steps} steps, ${count} kills`);
    }
    await run.end();
    return samples;
  } finally {
    run.kill();
  }
}

function print(growths: readonly Growth[]): void {
  const shown = (value: number) => (value < 1000 && !Number.isInteger(value) ? value.toFixed(1) : value.toFixed(0));
  const table = renderTable<Growth>(
    [
      { head: 'median', cell: ({ name }) => name },
      { head: 'first third', cell: ({ first }) => shown(first), align: 'right' },
      { head: 'last third', cell: ({ last }) => shown(last), align: 'right' },
      { head: 'at most', cell: ({ limit }) => shown(limit), align: 'right' },
      { head: '', cell: ({ grows }) => (grows ? 'grows' : '') },
    ],
    growths,
    { columns: Number.POSITIVE_INFINITY, paint: createPaint(false) },
  );
  console.log(table);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '20' },
      every: { type: 'string', default: '30' },
      workers: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(help);
  const minutes = positiveFlag('minutes', values.minutes);
  const every = positiveFlag('every', values.every);
  const workers = Math.max(2, Math.round(positiveFlag('workers', values.workers)));
  if (60 * minutes < fewestSamples * every) {
    throw badInput(`--minutes ${values.minutes} has fewer than ${fewestSamples} kills at --every ${values.every}`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'pennygrad-soak-'));
  try {
    const growths = findGrowth(figures, await soak({ minutes, every, workers }, folder));
    print(growths);
    if (growths.some(({ grows }) => grows)) process.exitCode = exitCodes.runFailed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(`bench:soak: ${messageOf(error)}`);
  process.exitCode = exitCodeOf(error);
});
