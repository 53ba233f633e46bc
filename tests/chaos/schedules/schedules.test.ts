/**
 * Seeded schedules of kills, freezes, notices, joins, flipped bits, full disks and dead coordinators, with real processes. A
 * few in `npm test`; `npm run test:chaos -- --count 300 --seed 1` plays as many as it is told to, and says how to play those
 * again that fail.
 */
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { writeIdxFolder } from '../../support/idx-folder.ts';
import { needs } from '../../support/machine-parts.ts';
import { killAll } from '../../support/pennygrad.ts';
import { playSchedule, type Setting } from './play-schedule.ts';
import { type DeedKind, describeSchedule, drawSchedule, type Schedule } from './schedule.ts';
import { startUndisturbed } from './undisturbed-run.ts';

const { it: itWithDisk } = await needs('mount');

/** Together they have every kind of deed. */
const seedsOfEveryDay = [3, 24, 27, 28, 38];

// Set by `run-schedules.mjs`.
const {
  TEST_SCHEDULES: count,
  TEST_SCHEDULE_SEED: firstSeed,
  TEST_SCHEDULE_JOBS: jobs,
  TEST_SCHEDULES_KEPT: kept,
} = process.env;
const seeds =
  count === undefined
    ? seedsOfEveryDay
    : Array.from({ length: Number(count) }, (_, index) => Number(firstSeed ?? 1) + index);

const training = [
  ...['--dataset', writeIdxFolder(4800, 48), '--model', 'softmax', '--batch-size', '48', '--epochs', '99999'],
  ...['--checkpoint-every', '40', '--keep', '99999', '--seed', '7'],
];
/** Of each, with its wait for those before it. A deadline for what hangs, not for a slow machine. */
const timeout = 600_000 * seeds.length;
const undisturbed = startUndisturbed(training);
/** Ends of what is under way: so many schedules are played at once. Vitest takes its own limit from no project's settings. */
const turns = Array.from({ length: Number(jobs ?? 2) }, () => Promise.resolve());
let turn = 0;
const outcomes = new Map<number, { readonly passed: boolean; readonly seconds: number }>();

async function whenItsTurn(play: () => Promise<void>): Promise<void> {
  const place = turn++ % turns.length;
  const played = (turns[place] ?? Promise.resolve()).then(play);
  turns[place] = played.catch(() => {});
  await played;
}

async function playOne(schedule: Schedule): Promise<void> {
  const { seed } = schedule;
  const keep = kept === undefined ? undefined : join(kept, `seed-${seed}`);
  const setting: Setting = { training, undisturbed, keep };
  const began = performance.now();
  const ended = (passed: boolean) => outcomes.set(seed, { passed, seconds: (performance.now() - began) / 1000 });
  try {
    await playSchedule(schedule, setting);
    ended(true);
  } catch (cause) {
    ended(false);
    const where = keep === undefined ? '' : `\nthe run and what was printed are kept in ${keep}`;
    const again = `to play it again: npm run test:chaos -- --count 1 --seed ${seed}`;
    throw new Error(`${describeSchedule(schedule)}${where}\n${again}\n${String(cause)}`, { cause });
  }
}

afterAll(() => {
  killAll();
  if (count !== undefined) console.log(describeAll());
});

describe.concurrent('a run of real processes goes on, and counts each sample once,', { timeout }, () => {
  for (const schedule of seeds.map(drawSchedule)) {
    const needsDisk = schedule.deeds.some(({ deed }) => deed.kind === 'disk-full');
    (needsDisk ? itWithDisk : it)(describeSchedule(schedule), () => whenItsTurn(() => playOne(schedule)));
  }
});

/** How many schedules passed, and how many deeds of each kind they had. */
function describeAll(): string {
  const failed = seeds.filter((seed) => outcomes.get(seed)?.passed === false);
  const passed = seeds.filter((seed) => outcomes.get(seed)?.passed === true);
  const kinds = new Map<DeedKind, number>();
  for (const { deed } of passed.flatMap((seed) => drawSchedule(seed).deeds)) {
    kinds.set(deed.kind, (kinds.get(deed.kind) ?? 0) + 1);
  }
  const seconds = [...outcomes.values()].map((outcome) => outcome.seconds).sort((a, b) => a - b);
  return [
    `${passed.length} schedules passed, ${failed.length} failed${failed.length > 0 ? `: seeds ${failed.join(', ')}` : ''}`,
    `a schedule took ${seconds[seconds.length >> 1]?.toFixed(1)} s (median), ${seconds.at(-1)?.toFixed(1)} s at most`,
    'deeds of those that passed, each of which took effect:',
    ...[...kinds].sort().map(([kind, number]) => `  ${kind.padEnd(18)}${number}`),
  ].join('\n');
}
