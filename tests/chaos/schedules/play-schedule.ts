/** Plays a schedule with a coordinator and its workers, each a process of its own, and checks what must hold afterwards. */
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { auditRun } from '../../../src/run-folder/audit/read-audit.ts';
import { fallen, lastLedgerRows, readLedgerRows, sumOf } from '../../support/ledger-lines.ts';
import { processesWith } from '../../support/leftovers.ts';
import { maxDifference, readSummary } from '../../support/run-folder.ts';
import { mountSmallDisk } from '../../support/small-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { doDeed, type Landing, type PlayedRun, shows } from './deeds.ts';
import { createFleet, type Fleet, type StartedWorker } from './fleet.ts';
import { watchRecord } from './record-watch.ts';
import type { Deed, Schedule } from './schedule.ts';
import { checkpointsOf, parametersOf, stepOf, type UndisturbedRun } from './undisturbed-run.ts';

export interface Setting {
  /** Flags that the undisturbed run has too. */
  readonly training: readonly string[];
  readonly undisturbed: UndisturbedRun;
  /** Where the run's folder is kept if it fails; undefined: nowhere. */
  readonly keep: string | undefined;
}

/** How long a worker waits after each update, in milliseconds: the run lasts, and leaves the processor to others. */
const stepMs = 4;
/** Room for all checkpoints of a run. */
const diskMebibytes = 32;

/**
 * How far the ledger's seconds of a worker may be from the life of its process, as this process saw it. A worker is in the
 * ledger until its coordinator knows that it is gone.
 */
const lifeTolerance = { seconds: 1.5, share: 0.1 };

/** Float32 sums round by their order; a gradient of a replica with a wrong last bit counts for up to 40 steps. */
const parameterTolerance = 2e-3;

/** @throws where the run does not end as it should */
export async function playSchedule(schedule: Schedule, setting: Setting): Promise<void> {
  const { deeds } = schedule;
  const folder = temporaryFolder();
  const needsDisk = deeds.some(({ deed }) => deed.kind === 'disk-full');
  const disk = needsDisk ? mountSmallDisk(diskMebibytes) : undefined;
  const out = join(disk?.folder ?? temporaryFolder(), 'run');
  const fleet = await createFleet(folder, stepMs);
  const run: PlayedRun = {
    fleet,
    record: watchRecord(join(out, 'metrics.jsonl')),
    out,
    onDesync: schedule.onDesync,
    disk,
  };
  try {
    await play(schedule, run, setting);
    expectNothingLeft(folder, out);
  } catch (failure) {
    keepRun(setting.keep, fleet, out, failure);
    throw failure;
  } finally {
    fleet.kill();
    await Promise.all([...fleet.coordinators, ...fleet.workers.map(({ job }) => job)].map(({ exit }) => exit));
    disk?.unmount();
  }
}

async function play(schedule: Schedule, run: PlayedRun, { training, undisturbed }: Setting): Promise<void> {
  const { fleet, record, out } = run;
  const { workers, onLoss, onDesync, beginWith, deterministic, timeout, ending } = schedule;
  // A process may take long to start on a busy machine, and the run waits for it only so long.
  for (let i = 0; i < beginWith; i++) fleet.startWorker();
  await Promise.all(fleet.workers.map(({ job }) => job.waitFor(/connecting to/)));
  fleet.startCoordinator(
    ...['--workers', `${workers.min}:${workers.max}`, '--on-loss', onLoss, '--on-desync', onDesync, '--out', out],
    ...['--timeout', String(timeout), '--price', '3.6', '--metrics-port', '0', ...training],
    ...(deterministic ? ['--deterministic'] : []),
  );
  await shows(run, 'training with all', () => record.last().workers.length === beginWith);
  await doDeeds(schedule, run);

  const isStopped = onDesync === 'stop' && schedule.deeds.at(-1)?.deed.kind === 'bit-flip';
  if (isStopped) {
    expect((await fleet.coordinator().exit).code).toBe(3);
  } else {
    await saveOnceMore(run, undisturbed);
    fleet.coordinator().child.kill('SIGINT');
    const { code, stdout, stderr } = await fleet.coordinator().exit;
    expect(code, stdout + stderr).toBe(130);
  }
  await expectExits(fleet.workers, isStopped);
  if (ending === 'resumed' && !isStopped) await resume(schedule, run);
  const status = isStopped ? 'failed' : ending === 'resumed' ? 'completed' : 'interrupted';
  expect(readSummary(out)).toMatchObject({ status });
  if (!isStopped) expect(readSummary(out)).toMatchObject({ replicas_identical: true });
  await expectSound(out);
  await expectParameters(schedule, out, undisturbed);
  await expectLives(fleet, out);
}

async function doDeeds({ deeds }: Schedule, run: PlayedRun): Promise<void> {
  const { record } = run;
  let landings: Landing[] = [];
  let taken = new Set<string>();
  const land = async () => {
    for (const landing of landings) await landing();
    [landings, taken] = [[], new Set()];
  };
  for (const { deed, afterSteps } of deeds) {
    if (afterSteps !== undefined) {
      await land();
      const from = record.last().step;
      await shows(run, `${afterSteps} steps`, () => record.last().step >= from + afterSteps);
    }
    let victim = victimOf(deed, run, taken);
    if (victim === undefined && 'pick' in deed) {
      await land();
      const isThere = () => {
        victim = victimOf(deed, run, taken);
        return victim !== undefined;
      };
      await shows(run, `somebody to ${deed.kind}`, isThere);
    }
    if (victim !== undefined) taken.add(victim.id);
    landings.push(await doDeed(deed, run, victim));
  }
  await land();
}

/** One of those that trained the last step; undefined where there is none, or no majority is left that could heal it. */
function victimOf(deed: Deed, { fleet, record }: PlayedRun, taken: ReadonlySet<string>): StartedWorker | undefined {
  if (!('pick' in deed)) return undefined;
  const { workers } = record.last();
  if (deed.kind === 'bit-flip' && workers.length < 3) return undefined;
  const there = fleet.workers.filter(
    ({ id, job }) =>
      workers.includes(id) && !taken.has(id) && job.child.exitCode === null && job.child.signalCode === null,
  );
  return there[deed.pick % there.length];
}

/** Trains on until there is a checkpoint that has all that has happened, and that can be compared. */
async function saveOnceMore(run: PlayedRun, undisturbed: UndisturbedRun): Promise<void> {
  const { record, out } = run;
  const { step } = record.last();
  let saved = await undisturbed.savedUpTo(step + 100);
  for (;;) {
    const known = saved;
    const isThere = () => checkpointsOf(out).some((name) => stepOf(name) > step && known.has(name));
    const isFar = () => record.last().step > step + 200;
    await shows(run, 'a checkpoint after all that', () => isThere() || isFar());
    if (isThere()) return;
    saved = await undisturbed.savedUpTo(record.last().step + 400);
  }
}

/** To a step at which both save. */
async function resume({ workers, timeout }: Schedule, { fleet, out }: PlayedRun): Promise<void> {
  const until = 40 * (Math.ceil(readSummary(out).steps / 40) + 1);
  const successor = fleet.startCoordinator('--resume', out, '--steps', String(until), '--timeout', String(timeout));
  const joined = Array.from({ length: workers.min }, () => fleet.startWorker());
  const { code, stdout, stderr } = await successor.exit;
  expect(code, stdout + stderr).toBe(0);
  await expectExits(joined, false);
  expect(readSummary(out).steps).toBe(until);
}

/** Whoever was not killed leaves in order. */
async function expectExits(workers: readonly StartedWorker[], isStopped: boolean): Promise<void> {
  for (const { id, job } of workers) {
    const { code, signal, stdout, stderr } = await job.exit;
    if (signal !== 'SIGKILL') expect(isStopped ? [0, 3, 4] : [0], `${id}: ${stdout}${stderr}`).toContain(code);
  }
}

/** Every sample counts once, and no account falls. */
async function expectSound(out: string): Promise<void> {
  expect(await auditRun(out)).toMatchObject({ proved: true, problems: [] });
  const rows = readLedgerRows(out);
  expect(fallen(rows)).toEqual([]);
  for (const { seconds, alive_seconds } of rows) expect(sumOf(seconds)).toBeCloseTo(alive_seconds, 6);
}

/** All checkpoints are those of a run that nothing befell: bit for bit where that is promised, else within rounding. */
async function expectParameters(
  { deterministic, deeds }: Schedule,
  out: string,
  undisturbed: UndisturbedRun,
): Promise<void> {
  const names = checkpointsOf(out);
  const saved = await undisturbed.savedUpTo(Math.max(0, ...names.map(stepOf)));
  const common = names.filter((name) => saved.has(name));
  // A run that a flipped bit has stopped may have saved nothing yet.
  if (names.length > 0) expect(common).not.toEqual([]);
  const isExact = deterministic && !deeds.some(({ deed }) => deed.kind === 'bit-flip' && !deed.isSeenAtOnce);
  for (const name of common) {
    const [ours, theirs] = [parametersOf(out, name), undisturbed.parameters(name)];
    if (isExact) expect(ours.equals(theirs), `${name} has the same bits`).toBe(true);
    else expect(maxDifference(floats(ours), floats(theirs)), name).toBeLessThan(parameterTolerance);
  }
}

const floats = (bytes: Buffer) =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

/** The ledger has the life of each process that trained. */
async function expectLives({ workers }: Fleet, out: string): Promise<void> {
  const rows = lastLedgerRows(out);
  for (const { id, job } of workers) {
    const { seconds } = await job.exit;
    const booked = rows.get(id)?.alive_seconds ?? Number.NaN;
    const allowed = lifeTolerance.seconds + lifeTolerance.share * seconds;
    expect(Math.abs(booked - seconds), `${id} lived ${seconds} s, booked ${booked} s`).toBeLessThan(allowed);
  }
}

/** No process, lock or file but those of the run. */
function expectNothingLeft(folder: string, out: string): void {
  expect(processesWith('TMPDIR', folder)).toEqual([]);
  expect(existsSync(join(out, 'lock'))).toBe(false);
  expect(readdirSync(folder).filter((name) => !name.endsWith('.flip'))).toEqual([]);
  expect(readdirSync('/dev/shm').filter((name) => name.includes('pennygrad'))).toEqual([]);
}

function keepRun(keep: string | undefined, { coordinators, workers }: Fleet, out: string, failure: unknown): void {
  if (keep === undefined) return;
  mkdirSync(keep, { recursive: true });
  writeFileSync(join(keep, 'failure.log'), `${failure instanceof Error ? failure.stack : failure}\n`);
  if (existsSync(out)) cpSync(out, join(keep, 'run'), { recursive: true });
  coordinators.forEach((job, index) => {
    writeFileSync(join(keep, `coordinator-${index}.log`), job.output());
  });
  for (const { id, job } of workers) writeFileSync(join(keep, `${id}.log`), job.output());
}
