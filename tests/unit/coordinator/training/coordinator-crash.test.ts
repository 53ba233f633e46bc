/**
 * A coordinator that is killed at a chosen message, and another one that resumes its run with the same workers, in virtual
 * time. The files are real ones.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publishTo } from '../../../../src/coordinator/publish-events.ts';
import { createBookkeeper } from '../../../../src/coordinator/record/bookkeeper.ts';
import { readRecord, readResumption } from '../../../../src/coordinator/record/resumption.ts';
import { openRunFolder } from '../../../../src/coordinator/record/run-folder.ts';
import type { RunEvent, StepEvent } from '../../../../src/coordinator/run-events.ts';
import { epochOrder } from '../../../../src/shared/core/sampling.ts';
import { auditHeader } from '../../../support/audit-header.ts';
import { readJsonLines } from '../../../support/run-folder.ts';
import { trainingConfig } from '../../../support/settings.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import type { ToyFaults } from '../../../support/toy-engine.ts';
import { type CrashingPlace, inVirtualTime, model, open, type Party, settings } from './party.ts';

const spec = { model, optimizer: { name: 'sgd', learningRate: 0.5 }, seed: 1 } as const;
const told = { spec, training: trainingConfig(settings), trainCount: 50 };
/** Three epochs of four steps. */
const allSteps = Array.from({ length: 12 }, (_, step) => step);

interface Sitting {
  readonly party: Party;
  readonly start: ReturnType<typeof readResumption>['start'] | undefined;
  readonly folder: string;
  checkpointsWritten(): Promise<unknown>;
  /** Draws up the last accounts. */
  closeBooks(): void;
  /** Does something as soon as a step is on record, before its commit. */
  onRecorded(step: number, act: () => void): void;
  /** Puts a step on record. */
  record(step: StepEvent): void;
  /** Its process ends: it writes nothing more, and sends so many messages more. */
  crash(messages?: number): void;
}

/** One life of a coordinator, with its run folder. */
async function sitDown(folder: string, place: CrashingPlace, isResumed = false, size = 2): Promise<Sitting> {
  const resumption = isResumed ? readResumption(folder, told) : undefined;
  const files = openRunFolder(folder, spec, auditHeader(), {
    clock: place.clock,
    keep: 2,
    report: () => {},
    resumed: resumption,
  });
  const startedAt = place.clock.now();
  const bookedUnixMs = resumption?.bookedUntilUnixMs;
  const bookedUntil = bookedUnixMs && startedAt - (place.clock.unixMs() - bookedUnixMs) / 1000;
  const books = createBookkeeper({ clock: place.clock, startedAt, carried: resumption?.accounts });
  let isAlive = true;
  let awaited: { readonly step: number; readonly act: () => void } | undefined;
  const publish = publishTo([files.observe], books.observe);
  const party = await open(
    size,
    { onLoss: 'continue', generationsBefore: resumption?.generations, bookedUntil, skipNonfinite: true },
    place,
    (event) => isAlive && publish(event),
  );
  publish({ type: 'listening', endpoint: party.control.endpoint });
  return {
    party,
    start: resumption?.start,
    folder,
    checkpointsWritten: files.checkpointsWritten,
    closeBooks() {
      const accounts = books.close();
      if (accounts !== undefined) publish(accounts);
    },
    onRecorded(step, act) {
      awaited = { step, act };
    },
    record(event) {
      if (isAlive) files.record(event);
      if (isAlive && event.step === awaited?.step) awaited.act();
    },
    crash(messages = 0) {
      isAlive = false;
      place.crash(messages);
    },
  };
}

function trainOn({ party, start, folder, record }: Sitting) {
  const recordAt = (step: number, savedStep: number) =>
    readRecord(folder, told, { step, savedStep, stepsBefore: 0, knownGaps: [] });
  return party.train({ start, record, recordAt });
}

function parametersOf(events: readonly RunEvent[]): readonly number[] {
  const last = events.filter((event) => event.type === 'checkpoint').at(-1);
  return last === undefined ? [] : [...last.checkpoint.state.parameters];
}

async function trainUndisturbed(): Promise<readonly number[]> {
  const party = await open(2);
  for (const name of ['a', 'b']) party.join(name);
  await party.train();
  return parametersOf(party.events);
}

let trained: Promise<readonly number[]> | undefined;

/** What the run comes to that nobody kills. Not asked for before a test runs, so that it is known which tests train. */
const undisturbed = (): Promise<readonly number[]> => (trained ??= trainUndisturbed());

/** Kills the first coordinator as soon as `step` is on record, after so many of the messages that follow. */
async function crashAt(step: number, messages: number, size = 2, faults: ToyFaults = {}) {
  const place = inVirtualTime();
  const folder = temporaryFolder();
  const first = await sitDown(folder, place, false, size);
  const bornAt = place.clock.now();
  const uptime = () => place.clock.now() - bornAt;
  const ofB = new AbortController();
  const lives = [
    first.party.join('a', faults, {}, undefined, { uptime }),
    ...(size === 1 ? [] : [first.party.join('b', {}, { signal: ofB.signal }, undefined, { uptime })]),
  ];
  const crashed = new Promise<void>((resolve) => {
    first.onRecorded(step, () => {
      first.crash(messages);
      resolve();
    });
  });
  trainOn(first).catch(() => {});
  await place.until(crashed);
  return { place, folder, first, lives, bornAt, endB: () => ofB.abort() };
}

describe('a coordinator that is killed', () => {
  it.each([
    ['with a step on record that no worker was told to apply', 0, 5],
    ['with a commit that one of two workers was told', 1, 6],
    ['with a commit that both were told', 2, 6],
    ['with the next step assigned to one of them', 3, 6],
  ])('%s loses nothing that any worker has', async (_, messages, kept) => {
    const { place, folder, first, lives, bornAt } = await crashAt(5, messages);
    await place.until(new Promise<void>((resolve) => place.timers.after(300, resolve)));
    const second = await sitDown(folder, place, true);
    expect(await trainOn(second)).toMatchObject({ steps: 12, end: { kind: 'completed' } });
    expect(second.party.eventsOf('went-on').map(({ step }) => step)).toEqual([kept]);
    expect(second.party.eventsOf('step').map(({ step }) => step)).toEqual(allSteps.slice(kept));
    expect(second.party.eventsOf('epoch').map(({ epoch, samples }) => [epoch, samples])).toEqual([
      [1, 50],
      [2, 50],
    ]);
    expect(parametersOf(second.party.events)).toEqual(await undisturbed());
    // The workers have lived through it.
    await place.until(Promise.all(lives));
    expect(first.party.eventsOf('generation').map(({ number }) => number)).toEqual([1]);
    expect(second.party.eventsOf('generation').map(({ number }) => number)).toEqual([2]);
    // Each moment of a worker's life is booked once, those between the two coordinators too.
    second.closeBooks();
    const lived = place.clock.now() - bornAt;
    const ledger = new Map(readJsonLines(join(folder, 'ledger.jsonl')).map((line) => [line.worker, line]));
    for (const worker of ['a', 'b']) {
      expect(ledger.get(worker)).toMatchObject({ rentals: 1, samples: 75 });
      // The ledger's time has milliseconds.
      expect(Math.abs(Number(ledger.get(worker)?.alive_seconds) - lived)).toBeLessThan(0.0015);
    }
  });

  it('again and again loses nothing', async () => {
    const { place, folder, lives } = await crashAt(1, 1);
    for (const step of [3, 4, 8]) {
      const next = await sitDown(folder, place, true);
      const crashed = new Promise<void>((resolve) => {
        next.onRecorded(step, () => {
          next.crash(1);
          resolve();
        });
      });
      trainOn(next).catch(() => {});
      await place.until(crashed);
    }
    const last = await sitDown(folder, place, true);
    await trainOn(last);
    await place.until(Promise.all(lives));
    expect(last.party.eventsOf('went-on').map(({ step }) => step)).toEqual([9]);
    expect(last.party.eventsOf('generation').map(({ number }) => number)).toEqual([5]);
    expect(parametersOf(last.party.events)).toEqual(await undisturbed());
  });

  it('takes a worker with it, whose place another gets: the one that is left has the state', async () => {
    const { place, folder, lives, endB } = await crashAt(5, 2);
    endB();
    const [a, b] = lives;
    await expect(place.until(b ?? Promise.resolve())).rejects.toMatchObject({ code: 'interrupted' });
    const second = await sitDown(folder, place, true);
    second.party.join('c');
    expect(await trainOn(second)).toMatchObject({ steps: 12 });
    expect(second.party.eventsOf('went-on').map(({ step }) => step)).toEqual([6]);
    await place.until(a ?? Promise.resolve());
    expect(parametersOf(second.party.events)).toEqual(await undisturbed());
  });

  it('and is not started again ends its workers at 0.8 of the timeout', async () => {
    const { place, lives } = await crashAt(5, 2);
    const diedAt = place.clock.now();
    for (const life of lives) {
      await expect(place.until(life)).rejects.toMatchObject({
        code: 'quorum-lost',
        message: expect.stringMatching(/^no word from the coordinator at memory for 4\.\d s/),
      });
    }
    // A timeout of 5 s, half a second for last words, and a heartbeat to notice it.
    expect(place.clock.now() - diedAt).toBeGreaterThan(4);
    expect(place.clock.now() - diedAt).toBeLessThan(5.1);
  });

  it.each([1, 2])(
    'leaves a lone worker ahead of the record by what it was assigned, after step %d',
    async (recorded) => {
      const { place, folder, lives } = await crashAt(recorded - 1, 0, 1);
      // It does not wait for commits, and learns half a second later that its coordinator is gone.
      await place.until(new Promise<void>((resolve) => place.timers.after(300, resolve)));
      const second = await sitDown(folder, place, true, 1);
      expect(await trainOn(second)).toMatchObject({ steps: 12, end: { kind: 'completed' } });
      await place.until(Promise.all(lives));
      const [caughtUp, ...trained] = second.party.eventsOf('step');
      expect(caughtUp).toMatchObject({ step: recorded, generation: 1, samples: 16, shares: [{ workerId: 'a' }] });
      expect(trained.map(({ step }) => step)).toEqual(allSteps.slice(recorded + 1));
      const epochs = second.party.eventsOf('epoch');
      expect(epochs.map(({ samples }) => samples)).toEqual([50, 50, 50]);
      const party = await open(1);
      party.join('a');
      await party.train();
      for (const [index, { loss, accuracy }] of party.eventsOf('epoch').entries()) {
        expect(epochs[index]?.loss).toBeCloseTo(loss, 12);
        expect(epochs[index]?.accuracy).toBe(accuracy);
      }
      expect(parametersOf(second.party.events)).toEqual(parametersOf(party.events));
    },
  );

  it('leaves a lone worker ahead by a step that it skipped, which stays skipped', async () => {
    // In the second step.
    const poisoned = epochOrder(1, 0, 50)[20];
    const faults = { poisons: (sample: number) => sample === poisoned };
    const { place, folder, lives } = await crashAt(0, 0, 1, faults);
    await place.until(new Promise<void>((resolve) => place.timers.after(300, resolve)));
    const second = await sitDown(folder, place, true, 1);
    expect(await trainOn(second)).toMatchObject({ steps: 12, end: { kind: 'completed' } });
    await place.until(Promise.all(lives));
    const [caughtUp] = second.party.eventsOf('step');
    expect(caughtUp).toMatchObject({
      step: 1,
      samples: 16,
      skipped: 'worker a reports that it was not finite, on positions 16 to 31 of epoch 1',
    });
    const party = await open(1, { skipNonfinite: true });
    party.join('a', faults);
    await party.train();
    const losses = (events: Party) => events.eventsOf('epoch').map(({ loss }) => loss.toFixed(12));
    expect(losses(second.party)).toEqual(losses(party));
    expect(parametersOf(second.party.events)).toEqual(parametersOf(party.events));
    const skipped = readJsonLines(join(folder, 'metrics.jsonl')).filter((line) => line.skipped === true);
    expect(skipped.map(({ step }) => step)).toEqual(
      party.eventsOf('step').flatMap(({ step, skipped }) => (skipped === undefined ? [] : [step + 1])),
    );
  });

  it('with all of its workers goes on from the checkpoint', async () => {
    const { place, folder, first, lives } = await crashAt(5, 2);
    await place.until(Promise.allSettled(lives));
    // The disk may be slower than virtual time.
    await first.checkpointsWritten();
    const second = await sitDown(folder, place, true);
    for (const name of ['c', 'd']) second.party.join(name);
    await trainOn(second);
    expect(second.party.eventsOf('went-on').map(({ step }) => step)).toEqual([4]);
    expect(second.party.eventsOf('step').map(({ step }) => step)).toEqual(allSteps.slice(4));
    expect(parametersOf(second.party.events)).toEqual(await undisturbed());
  });
});
