/** One step of a worker, whose engine, collective and coordinator the test plays, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { Reduced, StepPart } from '../../../src/shared/collectives/collective.ts';
import { createDeferred } from '../../../src/shared/core/deferred.ts';
import { largestFloat32 } from '../../../src/shared/core/first-beyond.ts';
import { parameterChecksum } from '../../../src/shared/model/parameter-checksum.ts';
import type { Assignment, Body, WorkerMessage } from '../../../src/shared/protocol/messages.ts';
import { gradientsOfWhole } from '../../../src/worker/share-gradients.ts';
import { createStepRunner } from '../../../src/worker/step.ts';
import { startUsageMeter } from '../../../src/worker/usage-meter.ts';
import { fakeEngine } from '../../support/fake-engine.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { createVirtualTime } from '../../support/virtual-time.ts';

interface StepCase {
  readonly checksumEvery?: number;
  readonly lossSum?: number;
  /** Of the time until the sum is there. */
  readonly waitSeconds?: number;
  /** What the engine computes; ones unless given. */
  readonly gradient?: readonly number[];
  /** Whether there is a hub; without it the worker is alone, unless there is another one. */
  readonly hasHub?: boolean;
  readonly skipsNonfinite?: boolean;
  /** What the commit says. */
  readonly skipped?: boolean;
  /** What the other rank came to, where ranks see each other's parts. */
  readonly other?: StepPart;
  /** Orders that are there already; none unless given. */
  readonly ordersLeft?: number;
  /** What the clock shows for votes; time stands still unless given. */
  readonly now?: (seconds: number) => number;
}

/**
 * A worker whose every part of a step takes a time of its own: 1 s to load, 2 s to compute, 4 s until the sum is there,
 * 8 s until the commit, 16 s to apply.
 */
function openSteps({
  checksumEvery = 5,
  lossSum = 3.5,
  waitSeconds = 3,
  gradient = [1, 1],
  hasHub = true,
  skipsNonfinite = false,
  skipped = false,
  other,
  ordersLeft = 0,
  now = () => 0,
}: StepCase = {}) {
  const time = createVirtualTime();
  const log: string[] = [];
  const sent: Body<WorkerMessage>[] = [];
  const buffers: Float32Array[] = [];
  const commit = createDeferred<void>();
  const usage = startUsageMeter(time.clock);
  const sum = Float32Array.of(30, 40);
  const parameters = Float32Array.of(1, 2);

  const engine = fakeEngine({
    async getParameters() {
      log.push('checksum');
      return parameters;
    },
    async computeGradients(indices, gradients, onReady) {
      log.push(`compute ${indices.join()}`);
      time.advance(2000);
      buffers.push(gradients);
      gradients.set(gradient);
      onReady?.(1, 2);
      return { lossSum, correct: 2 };
    },
    async applyGradients(gradientSum, samples) {
      expect(gradientSum).toBe(sum);
      log.push(`apply ${samples}`);
      time.advance(16_000);
    },
  });
  const run = createStepRunner({
    hasHub,
    worldSize: hasHub || other !== undefined ? 2 : 1,
    skipsNonfinite,
    engine,
    gradients: gradientsOfWhole(engine),
    allReduce: {
      start({ generation, step, attempt }, vectors) {
        log.push(`start ${generation}/${step}/${attempt}`);
        buffers.push(...vectors);
        return {
          ready: (from, to) => log.push(`ready ${from}..${to}`),
          async finish(part, vote): Promise<Reduced> {
            log.push('finish');
            vote();
            time.advance(4000);
            const parts = hasHub ? undefined : [part, ...(other === undefined ? [] : [other])];
            return { sum, parts, waitSeconds, bytes: { sent: 8, received: 16 } };
          },
        };
      },
      receive() {},
    },
    link: {
      send(body) {
        log.push(body.type);
        sent.push(body);
      },
      sendLater(body) {
        log.push(`${body.type} later`);
        sent.push(body);
      },
      ordersLeft: () => ordersLeft,
    },
    inbox: {
      async committed({ generation, step, attempt }) {
        log.push(`await ${generation}/${step}/${attempt}`);
        time.advance(8000);
        await commit.promise;
        return { skipped };
      },
    },
    usage,
    now: () => now(time.clock.now()),
    checksumEvery,
    signal: new AbortController().signal,
    feedback: { begin: (samples) => log.push(`begin ${samples}`), settle: () => log.push('settle') },
    orderOf(epoch) {
      time.advance(1000);
      return Uint32Array.from([0, 1, 2, 3, 4, 5], (index) => 10 * epoch + index);
    },
    observer: { stepped: (samples, totals) => log.push(`stepped ${samples} ${Object.values(totals).join()}`) },
  });
  return { run, log, sent, buffers, commit: commit.resolve, usage, parameters };
}

function assignment(step: number, fields: Partial<Assignment> = {}): Assignment {
  const range = { epoch: 1, from: 2, to: 5, globalBatch: 16 };
  return { v: 8, run: 'r', type: 'assign', generation: 3, step, attempt: 0, ...range, ...fields };
}

const otherPart: StepPart = { from: 5, to: 16, lossSum: 10, correct: 9, areFinite: true };
const ownPart: StepPart = { from: 2, to: 5, lossSum: 3.5, correct: 2, areFinite: true };

describe('a step among others without a hub', () => {
  const mesh = { hasHub: false, other: otherPart } as const;

  it('is applied as soon as the sum is there, and tells what came of all parts', async () => {
    const { run, log } = openSteps(mesh);
    expect(await run(assignment(7))).toEqual([ownPart, otherPart]);
    expect(log).toContain('begin 16');
    expect(log.slice(log.indexOf('finish'))).toEqual([
      'finish',
      'vote',
      'apply 16',
      'settle',
      'stepped 3 1,2,1,3,16,0,0',
    ]);
  });

  it('is skipped by all ranks where one of them has a part that is not finite', async () => {
    const notFinite = { ...otherPart, areFinite: false };
    const { run, log } = openSteps({ ...mesh, skipsNonfinite: true, other: notFinite });
    expect(await run(assignment(7))).toEqual([ownPart, notFinite]);
    expect(log).not.toContain('apply 16');
    expect(log).not.toContain('settle');
  });

  it('lets its vote wait for the next ones, up to half of what there is to do', async () => {
    const { run, log } = openSteps({ ...mesh, ordersLeft: 2 });
    for (const step of [6, 7, 8, 9]) await run(assignment(step));
    // The first one leaves at once: nobody knows how long the next one takes.
    expect(log.filter((line) => line.startsWith('vote'))).toEqual(['vote', 'vote later', 'vote later', 'vote']);
  });

  it('lets no vote wait longer than 100 ms for the next ones: nothing is sent while the engine computes', async () => {
    let seconds = 0;
    const { run, log } = openSteps({ ...mesh, ordersLeft: 9, now: () => seconds });
    for (const at of [0, 0.05, 0.099, 0.101, 0.2, 0.21]) {
      seconds = at;
      await run(assignment(7));
    }
    expect(log.filter((line) => line.startsWith('vote'))).toEqual([
      'vote',
      'vote later',
      'vote later',
      'vote',
      'vote later',
      'vote',
    ]);
  });

  it('lets no vote wait where the coordinator commits the step', async () => {
    const { run, log, commit } = openSteps({ ordersLeft: 2 });
    commit();
    await run(assignment(7));
    expect(log).toContain('vote');
  });

  it('tells the norm of a compared step with the next vote, when it has the sum', async () => {
    const { run, sent } = openSteps(mesh);
    for (const step of [5, 6, 7]) await run(assignment(step));
    expect(sent.map((body) => body.type === 'vote' && body.gradientNorm)).toEqual([undefined, 50 / 16, undefined]);
  });

  it('leaves out the norm of a step that was skipped', async () => {
    const { run, sent } = openSteps({ ...mesh, skipsNonfinite: true, other: { ...otherPart, areFinite: false } });
    for (const step of [5, 6]) await run(assignment(step));
    expect(sent).toMatchObject([{ gradientNorm: undefined }, { gradientNorm: undefined }]);
  });

  it('looks at its own gradient, which may not make the sum over all infinite', async () => {
    const largest = largestFloat32 / 2;
    for (const [value, isRefused] of [
      [largest, false],
      [largest * 1.001, true],
    ] as const) {
      const { run } = openSteps({ ...mesh, gradient: [1, value] });
      const step = run(assignment(7));
      if (isRefused) await expect(step).rejects.toThrow(/^the gradient has .* at step 8, .*may overflow/);
      else await step;
    }
  });
});

describe('a step', () => {
  it('loads, computes, reduces, votes, and applies the sum once it is committed', async () => {
    const { run, log, commit, usage } = openSteps();
    const running = run(assignment(7));
    const untilCommit = ['begin 16', 'start 3/7/0', 'compute 12,13,14', 'ready 1..2', 'finish', 'vote', 'await 3/7/0'];
    expect(await outcomeOf(running)).toBe('pending');
    expect(log).toEqual(untilCommit);
    commit();
    // Only the coordinator knows what the others came to.
    expect(await outcomeOf(running)).toEqual({ value: undefined });
    // load, compute, communicate, wait, apply, evaluate, idle
    expect(log.slice(untilCommit.length)).toEqual(['apply 16', 'settle', 'stepped 3 1,2,9,3,16,0,0']);
    expect(usage.totals().bytes).toEqual({ sent: 8, received: 16 });
  });

  it('votes with its figures, and with what it has used up to now', async () => {
    const { run, sent, commit } = openSteps();
    commit();
    await run(assignment(7));
    await run(assignment(8));
    const figures = { type: 'vote', generation: 3, attempt: 0, samples: 3, lossSum: 3.5, correct: 2 };
    const seconds = { load: 1, compute: 2, communicate: 0, wait: 0, apply: 0, evaluate: 0, idle: 0 };
    expect(sent).toEqual([
      { ...figures, step: 7, usage: { seconds, bytes: { sent: 0, received: 0 } } },
      {
        ...figures,
        step: 8,
        usage: {
          seconds: { ...seconds, load: 2, compute: 4, communicate: 9, wait: 3, apply: 16 },
          bytes: { sent: 8, received: 16 },
        },
      },
    ]);
  });

  it('computes into one buffer, which is the one that travels', async () => {
    const { run, buffers, commit } = openSteps();
    commit();
    await run(assignment(7));
    await run(assignment(8));
    expect(new Set(buffers).size).toBe(1);
    expect(buffers).toHaveLength(4);
    expect(buffers[0]).toHaveLength(2);
  });

  it('has its parameters compared where its number is divisible', async () => {
    const { run, sent, log, commit, parameters } = openSteps({ checksumEvery: 3 });
    commit();
    for (const step of [0, 1, 2, 3, 4]) await run(assignment(step));
    const checksum = parameterChecksum(parameters);
    expect(sent.map((body) => body.type === 'vote' && body.parametersChecksum)).toEqual([
      checksum,
      undefined,
      undefined,
      checksum,
      undefined,
    ]);
    expect(log.filter((line) => line === 'checksum')).toHaveLength(2);
  });

  it('of no samples takes part all the same', async () => {
    const { run, log, sent, commit } = openSteps({ lossSum: 0 });
    commit();
    await run(assignment(7, { from: 4, to: 4 }));
    expect(log).toContain('compute ');
    expect(sent).toMatchObject([{ samples: 0, lossSum: 0 }]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'whose loss becomes %f ends this worker before it votes',
    async (lossSum) => {
      const { run, log } = openSteps({ lossSum });
      await expect(run(assignment(7))).rejects.toMatchObject({
        code: 'diverged',
        message:
          `the loss became ${lossSum} at step 8, on positions 2 to 4 of epoch 2 (training images 12, 13, 14); ` +
          'try a smaller --lr',
      });
      expect(log).not.toContain('finish');
    },
  );

  it('has waited no longer than it took', async () => {
    const { run, usage, commit } = openSteps({ waitSeconds: 100 });
    commit();
    await run(assignment(7));
    expect(usage.totals().seconds).toMatchObject({ wait: 12, communicate: 0 });
  });

  it('whose gradient is not finite ends a worker alone, naming the samples, before it votes or applies', async () => {
    const { run, log } = openSteps({ hasHub: false, gradient: [1, Number.NaN] });
    await expect(run(assignment(7))).rejects.toMatchObject({
      code: 'diverged',
      message:
        'the gradient became NaN at step 8, on positions 2 to 4 of epoch 2 (training images 12, 13, 14), in float 1; ' +
        'try a smaller --lr',
    });
    expect(log).not.toContain('vote');
    expect(log).not.toContain('apply 16');
    expect(log).not.toContain('settle');
  });
});

describe('a step that is not finite, in a run that skips such steps,', () => {
  it('is voted for as it is, and not applied where the commit says so', async () => {
    const { run, log, sent, commit } = openSteps({ skipsNonfinite: true, lossSum: Number.NaN, skipped: true });
    commit();
    await run(assignment(7));
    expect(sent).toMatchObject([{ type: 'vote', samples: 3, lossSum: Number.NaN, correct: 2 }]);
    expect(log).not.toContain('apply 16');
    expect(log).not.toContain('settle');
  });

  it('is skipped because of another rank, too', async () => {
    const { run, log, commit } = openSteps({ skipsNonfinite: true, skipped: true });
    commit();
    await run(assignment(7));
    expect(log).not.toContain('apply 16');
    expect(log).not.toContain('settle');
  });

  it.each<[string, StepCase, object]>([
    ['gradient', { gradient: [1, Number.NaN] }, { nonFinite: { float: 1, value: Number.NaN } }],
    ['loss', { lossSum: Number.POSITIVE_INFINITY }, { lossSum: Number.POSITIVE_INFINITY }],
  ])('by its %s is skipped by a worker alone, which waits for nobody', async (_, of, said) => {
    const { run, log, sent } = openSteps({ hasHub: false, skipsNonfinite: true, checksumEvery: 7, ...of });
    expect(await run(assignment(7))).toMatchObject([{ areFinite: false }]);
    expect(sent).toMatchObject([said]);
    // The square of what is not finite is not either, and no message may carry it.
    if (of.gradient !== undefined) expect(sent[0]).toMatchObject({ gradientNorm: undefined });
    expect(log).not.toContain('apply 16');
    expect(log).not.toContain('settle');
  });
});
