/**
 * `npm run bench:failures`: a run of three local workers, one of which is killed every so many seconds. How many steps it
 * commits beside a run that nothing happens to, how soon the others go on, and what a kill costs.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createPaint } from '../../report/terminal/colour.ts';
import { renderTable } from '../../report/terminal/table.ts';
import { exitCodeOf, messageOf } from '../../shared/core/errors.ts';
import { formatUsd } from '../../shared/core/number-format.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import type { AuditWatch } from './audit-watch.ts';
import { positiveFlag, startKilledRun, workersOf } from './killed-run.ts';

const help = `npm run bench:failures -- [--every 60,15,5] [--minutes 10] [--workers 3]

  --every 60,15,5   seconds between two kills; a run for each, after one without
  --minutes 10      how long each run is measured, from its first step
  --workers 3       local workers; at least 2`;

interface Measured {
  /** Seconds between kills; undefined where nothing happens. */
  readonly every: number | undefined;
  readonly seconds: number;
  readonly steps: number;
  /** From each kill to the next committed step, in milliseconds. */
  readonly recoveryMs: readonly number[];
  /** Kills after which no step was committed before the next one. */
  readonly missed: number;
  readonly wastedUsd: number;
}

async function measure(every: number | undefined, seconds: number, workers: number, folder: string): Promise<Measured> {
  const out = join(folder, String(every ?? 'none'));
  const { job, watch, end, kill } = await startKilledRun(workers, out);
  try {
    const [began, stepsBefore] = [performance.now(), watch.steps()];
    const recoveryMs: number[] = [];
    let missed = 0;
    for (let count = 1; every !== undefined && count * every < seconds; count++) {
      await sleep(Math.max(0, began + count * every * 1000 - performance.now()));
      const recovery = await killOne(job, watch, every);
      if (recovery === undefined) missed += 1;
      else recoveryMs.push(recovery);
    }
    await sleep(Math.max(0, began + seconds * 1000 - performance.now()));
    const steps = watch.steps() - stepsBefore;
    await end();
    return { every, seconds, steps, recoveryMs, missed, wastedUsd: wastedUsd(join(out, 'ledger.jsonl')) };
  } finally {
    kill();
  }
}

/** @returns milliseconds to the first step of the others; undefined if none came before the next kill is due */
async function killOne(job: ChildProcess, watch: AuditWatch, every: number): Promise<number | undefined> {
  const children = workersOf(job);
  const victim = children[Math.floor(Math.random() * children.length)];
  if (victim === undefined) return undefined;
  const killedAt = performance.now();
  process.kill(victim, 'SIGKILL');
  while (watch.newFleetAt() < killedAt) {
    if (performance.now() - killedAt > every * 900) return undefined;
    await sleep(2);
  }
  return watch.newFleetAt() - killedAt;
}

/** By the last accounts of each worker. */
function wastedUsd(ledger: string): number {
  const wasted = new Map<string, number>();
  for (const line of readBoundedText(ledger, fileLimits.log).trim().split('\n')) {
    const { worker, usd } = JSON.parse(line) as { readonly worker: string; readonly usd: { readonly wasted: number } };
    wasted.set(worker, usd.wasted);
  }
  return sumOf([...wasted.values()]);
}

function print(runs: readonly Measured[]): void {
  const undisturbed = runs[0]?.steps ?? 0;
  const kills = ({ recoveryMs, missed }: Measured) => recoveryMs.length + missed;
  const at = (values: readonly number[], share: number) =>
    values.length === 0
      ? '–'
      : `${Math.round(values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0)} ms`;
  console.log(
    renderTable<Measured>(
      [
        { head: 'a kill every', cell: ({ every }) => (every === undefined ? 'never' : `${every} s`) },
        { head: 'kills', cell: (run) => String(kills(run)), align: 'right' },
        { head: 'steps', cell: ({ steps }) => String(steps), align: 'right' },
        { head: 'efficiency', cell: ({ steps }) => `${((100 * steps) / undisturbed).toFixed(0)} %`, align: 'right' },
        { head: 'recovery p50', cell: ({ recoveryMs }) => at(recoveryMs, 0.5), align: 'right' },
        { head: 'p95', cell: ({ recoveryMs }) => at(recoveryMs, 0.95), align: 'right' },
        {
          head: 'wasted per kill',
          cell: (run) => (kills(run) === 0 ? '–' : formatUsd(run.wastedUsd / kills(run))),
          align: 'right',
        },
      ],
      runs,
      { columns: Number.POSITIVE_INFINITY, paint: createPaint(false) },
    ),
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      every: { type: 'string', default: '60,15,5' },
      minutes: { type: 'string', default: '10' },
      workers: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(help);
  const every = values.every.split(',').map((text) => positiveFlag('every', text));
  const seconds = 60 * positiveFlag('minutes', values.minutes);
  const workers = Math.max(2, Math.round(positiveFlag('workers', values.workers)));
  const folder = mkdtempSync(join(tmpdir(), 'pennygrad-failures-'));
  try {
    const runs: Measured[] = [];
    for (const interval of [undefined, ...every]) {
      console.error(interval === undefined ? 'a run without kills' : `a kill every ${interval} s`);
      runs.push(await measure(interval, seconds, workers, folder));
    }
    print(runs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(`bench:failures: ${messageOf(error)}`);
  process.exitCode = exitCodeOf(error);
});
