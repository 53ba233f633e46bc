import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCheckpointWriter, type FoundCheckpoints } from '../../../../src/coordinator/record/checkpoint-writer.ts';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { savedCheckpoint, startedAtUnixMs } from '../../../support/observed-run.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { createVirtualTime } from '../../../support/virtual-time.ts';

const trained = {
  model: { name: 'softmax', inputShape: [2, 2, 1], classes: 2 },
  optimizer: { name: 'sgd', learningRate: 1 },
  seed: 1,
} as const;

interface Setup {
  readonly keep?: number;
  readonly found?: Partial<FoundCheckpoints>;
  readonly before?: () => Promise<void>;
  readonly onReport?: (event: RunEvent) => void;
}

function open({ keep = 2, found = {}, before = async () => {}, onReport }: Setup = {}) {
  const folder = join(temporaryFolder(), 'checkpoints');
  mkdirSync(folder);
  const time = createVirtualTime();
  const told: RunEvent[] = [];
  const writer = createCheckpointWriter({
    folder,
    trained,
    keep,
    before,
    clock: time.clock,
    found: { whole: undefined, damaged: [], ...found },
    report(event) {
      told.push(event);
      onReport?.(event);
    },
  });
  return {
    folder,
    time,
    told,
    writer,
    names: () => readdirSync(folder).sort(),
    save: (step: number, seconds = 0) => writer.save({ ...savedCheckpoint, step }, seconds),
    /** As where a disk takes nothing: `checkpoints` is no folder, not even for root. */
    block() {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, '');
    },
    unblock() {
      rmSync(folder);
      mkdirSync(folder);
    },
  };
}

/** Something that waits until it is let go on, and says how many wait. */
function createGate() {
  const waiting: (() => void)[] = [];
  return {
    pass: () => new Promise<void>((resolve) => waiting.push(resolve)),
    waiting: () => waiting.length,
    open: () => waiting.shift()?.(),
  };
}

const turns = () => new Promise((resolve) => setImmediate(resolve));

describe('checkpoints that are written while training goes on', () => {
  it('hold nothing up, get their names after what led to them, and are told once they are on the disk', async () => {
    const gate = createGate();
    const { save, names, told, time, writer } = open({ before: gate.pass });
    save(7, 0.25);
    expect([names(), gate.waiting()]).toEqual([[], 0]);
    await turns();
    expect([names(), gate.waiting(), told]).toEqual([[], 1, []]);
    time.advance(500);
    gate.open();
    await writer.settled();
    expect(names()).toEqual(['step-7']);
    expect(told).toEqual([{ type: 'checkpoint-saved', step: 7, seconds: 0.75, unixMs: startedAtUnixMs + 500 }]);
  });

  it('are written one at a time; of those that wait the newest is', async () => {
    const gate = createGate();
    const { save, names, told, writer } = open({ before: gate.pass, keep: 9 });
    save(1);
    await turns();
    for (const step of [2, 3, 4]) save(step);
    await turns();
    expect(gate.waiting()).toBe(1);
    gate.open();
    while (gate.waiting() === 0) await turns();
    expect(names()).toEqual(['step-1']);
    save(5);
    save(6);
    gate.open();
    while (gate.waiting() === 0) await turns();
    gate.open();
    expect(await writer.settled()).toBeUndefined();
    expect(names()).toEqual(['step-1', 'step-4', 'step-6']);
    expect(told.map((event) => event.type === 'checkpoint-saved' && event.step)).toEqual([1, 4, 6]);
  });

  it.each([
    [1, ['step-30']],
    [3, ['step-9', 'step-10', 'step-30']],
  ])('stay as long as they are among the newest %i', async (keep, left) => {
    const { save, names, writer } = open({ keep });
    for (const step of [2, 9, 10, 30]) {
      save(step);
      await writer.settled();
    }
    expect(names()).toEqual([...left].sort());
  });
});

describe('a disk that takes nothing', () => {
  it('leaves the checkpoint before, and the next one is tried', async () => {
    let isFull = false;
    const before = async () => {
      if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    };
    const { save, names, told, writer } = open({ before });
    save(1);
    await writer.idle();
    isFull = true;
    save(2);
    await writer.idle();
    expect(names()).toEqual(['step-1']);
    expect(told.at(-1)).toMatchObject({
      type: 'checkpoint-failed',
      step: 2,
      reason: expect.stringMatching(/cannot write .*step-2: ENOSPC/),
    });
    isFull = false;
    save(3);
    expect(await writer.settled()).toBeUndefined();
    expect(names()).toEqual(['step-1', 'step-3']);
    expect(told.map(({ type }) => type)).toEqual(['checkpoint-saved', 'checkpoint-failed', 'checkpoint-saved']);
  });

  it('is tried once more at the end: the newest state is still there', async () => {
    const { save, names, told, writer, block, unblock } = open();
    block();
    save(1);
    save(2);
    await writer.idle();
    unblock();
    expect(await writer.settled()).toBeUndefined();
    expect(names()).toEqual(['step-2']);
    expect(told.map(({ type }) => type)).toEqual(['checkpoint-failed', 'checkpoint-saved']);
  });

  it('is the failure of the end if it still takes nothing', async () => {
    const { save, writer, block, told } = open();
    block();
    save(1);
    await writer.idle();
    save(2);
    expect(await writer.settled()).toMatchObject({
      code: 'run-failed',
      message: expect.stringMatching(/^cannot write .*step-2: ENOTDIR/),
    });
    expect(told.map((event) => event.type === 'checkpoint-failed' && event.step)).toEqual([1, 2, 2]);
  });
});

describe('checkpoints of an earlier process', () => {
  it('that are damaged do not count among those that stay, and go once there is another', async () => {
    const { folder, save, names, writer } = open({ found: { whole: 'step-4', damaged: ['step-9', 'step-8'] } });
    for (const name of ['step-2', 'step-4', 'step-8', 'step-9']) mkdirSync(join(folder, name));
    save(6);
    await writer.settled();
    expect(names()).toEqual(['step-4', 'step-6']);
    save(9);
    await writer.settled();
    expect(names()).toEqual(['step-6', 'step-9']);
    expect(readdirSync(join(folder, 'step-9'))).toContain('weights.bin');
  });

  it('are not written again: without them there would be a moment without any', async () => {
    const { folder, save, told, writer } = open({ found: { whole: 'step-4' } });
    mkdirSync(join(folder, 'step-4'));
    const { ino } = statSync(join(folder, 'step-4'));
    save(4);
    await writer.settled();
    expect(statSync(join(folder, 'step-4')).ino).toBe(ino);
    expect(told).toMatchObject([{ type: 'checkpoint-saved', step: 4 }]);
  });
});

it('what an observer throws reaches whoever waits for the end, once', async () => {
  const { save, writer } = open({
    onReport() {
      throw new Error('out of order');
    },
  });
  save(1);
  await writer.idle();
  await expect(writer.settled()).rejects.toThrow('out of order');
  expect(await writer.settled()).toBeUndefined();
});
