/** Does a deed to a run, and says how one sees that it has had its effect: none counts that came to nothing. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import type { Running } from '../../support/pennygrad.ts';
import type { SmallDisk } from '../../support/small-disk.ts';
import type { Fleet, StartedWorker } from './fleet.ts';
import type { RecordedStep, RecordWatch } from './record-watch.ts';
import type { Deed } from './schedule.ts';

export interface PlayedRun {
  readonly fleet: Fleet;
  readonly record: RecordWatch;
  readonly out: string;
  readonly onDesync: 'heal' | 'stop';
  readonly disk: SmallDisk | undefined;
}

/** Resolves when the deed has shown its effect. */
export type Landing = () => Promise<void>;

/** A deadline for what never comes, not for a slow machine, in milliseconds. */
export const patienceMs = 240_000;

/** How often replicas are compared, in steps (`checksumEvery` of the coordinator). */
const comparedEvery = 50;

/** @param victim whom a deed befalls that befalls one worker */
export async function doDeed(deed: Deed, run: PlayedRun, victim: StartedWorker | undefined): Promise<Landing> {
  switch (deed.kind) {
    case 'join':
      return join(run);
    case 'coordinator-kill':
      return killCoordinator(run);
    case 'disk-full':
      return fillDisk(run);
    default:
      if (victim === undefined) throw new Error(`nobody is there to ${deed.kind}`);
      return befall(deed, run, victim);
  }
}

async function befall(
  deed: Exclude<Deed, { kind: 'join' | 'coordinator-kill' | 'disk-full' }>,
  run: PlayedRun,
  worker: StartedWorker,
): Promise<Landing> {
  const { record } = run;
  const { id, job } = worker;
  const before = record.last();
  const goesOnWithout = () =>
    shows(run, `steps without ${id}`, () =>
      record.steps().some(({ generation, workers }) => generation > before.generation && !workers.includes(id)),
    );
  switch (deed.kind) {
    case 'kill':
      job.child.kill('SIGKILL');
      return async () => {
        expect((await job.exit).signal).toBe('SIGKILL');
        await goesOnWithout();
      };
    case 'drain':
      job.child.kill(deed.signal);
      return async () => {
        const { code, stdout, stderr } = await job.exit;
        expect(code, stdout + stderr).toBe(0);
        expect(stdout).toContain(`leaving the run`);
        expect(stdout).toContain(`it got ${deed.signal}`);
        await goesOnWithout();
      };
    case 'freeze':
      return freeze(deed, run, worker);
    case 'bit-flip':
      return flipBit(deed, run, worker);
    default:
      return deed satisfies never;
  }
}

async function freeze(
  { forMs }: Extract<Deed, { kind: 'freeze' }>,
  run: PlayedRun,
  { id, job }: StartedWorker,
): Promise<Landing> {
  const { record, fleet } = run;
  const before = record.last();
  job.child.kill('SIGSTOP');
  await eventually(`${id} stands still`, () => stateOf(job.child.pid) === 'T', patienceMs);
  const isLost = forMs === 'until-lost';
  const timeIsUp = isLost ? fleet.coordinator().waitFor(new RegExp(`lost worker ${id}: `)) : sleep(forMs);
  const thawed = Promise.resolve(timeIsUp).finally(() => job.child.kill('SIGCONT'));
  // Whoever waits for it may come too late to catch it.
  thawed.catch(() => {});
  return async () => {
    await thawed;
    await eventually(`${id} moves again`, () => stateOf(job.child.pid) !== 'T', patienceMs);
    const isBack = ({ step, generation, workers }: RecordedStep) =>
      workers.includes(id) && (isLost ? generation > before.generation : step > before.step);
    await shows(run, `steps with ${id}`, () => record.steps().some(isBack));
  };
}

function stateOf(pid = 0): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').match(/\) (\S)/)?.[1];
}

async function flipBit(
  { parameter, bit, isSeenAtOnce }: Extract<Deed, { kind: 'bit-flip' }>,
  run: PlayedRun,
  worker: StartedWorker,
): Promise<Landing> {
  const { fleet, onDesync } = run;
  worker.flip({ parameter, bit, every: isSeenAtOnce ? comparedEvery : 1 });
  // The same worker's bits may have flipped before.
  const [flipsBefore, healsBefore] = [worker.job.output().length, fleet.coordinator().output().length];
  const since = (job: Running, before: number) => job.output().slice(before);
  return async () => {
    const isFlipped = () => /flipped bit \d+ of parameter \d+ after step/.test(since(worker.job, flipsBefore));
    const isHealed = () =>
      since(fleet.coordinator(), healsBefore).includes(`worker ${worker.id} held other parameters than the others`);
    if (onDesync === 'heal') {
      await shows(run, `a flipped bit of ${worker.id}, and its healing`, () => isFlipped() && isHealed());
    } else {
      await eventually('a flipped bit', isFlipped, patienceMs);
      const { stderr } = await fleet.coordinator().exit;
      expect(stderr).toMatch(/parameters/);
    }
  };
}

function join(run: PlayedRun): Landing {
  const { id } = run.fleet.startWorker();
  return () => shows(run, `steps with ${id}`, () => run.record.steps().some(({ workers }) => workers.includes(id)));
}

async function killCoordinator(run: PlayedRun): Promise<Landing> {
  const { fleet, record, out } = run;
  const killed = fleet.coordinator();
  killed.child.kill('SIGKILL');
  expect((await killed.exit).signal).toBe('SIGKILL');
  const before = record.last();
  fleet.startCoordinator('--resume', out);
  return () => shows(run, 'steps of the next coordinator', () => record.last().generation > before.generation);
}

async function fillDisk(run: PlayedRun): Promise<Landing> {
  const { fleet, disk } = run;
  if (disk === undefined) throw new Error('this run has no disk of its own');
  const before = fleet.coordinator().output().length;
  const since = () => fleet.coordinator().output().slice(before);
  const isMet = () => {
    // A draft that could not be completed gives its room back.
    disk.fill();
    return /no checkpoint at step \d+: .*ENOSPC/.test(since()) && /the lines of the run wait in memory/.test(since());
  };
  return async () => {
    await shows(run, 'the run meets the full disk', isMet);
    disk.empty();
    const isWell = () =>
      /checkpoints are written again/.test(since()) && /the files of the run are written again/.test(since());
    await shows(run, 'the run finds room again', isWell);
  };
}

/** @throws with what the coordinator printed, when that is not seen or the run has ended without it */
export async function shows({ fleet }: PlayedRun, what: string, condition: () => boolean): Promise<void> {
  const { child } = fleet.coordinator();
  const end = () => child.exitCode ?? child.signalCode;
  await eventually(
    what,
    () => {
      if (condition()) return true;
      if (end() !== null) throw new Error(`the run ended with ${end()} before ${what}`);
      return false;
    },
    patienceMs,
  );
}
