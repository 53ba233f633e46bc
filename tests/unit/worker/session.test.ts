/** A worker's part in a generation, by the orders that the test gives it. */
import { describe, expect, it } from 'vitest';
import { createAsyncQueue } from '../../../src/shared/core/async-queue.ts';
import { epochOrder } from '../../../src/shared/core/sampling.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../../src/shared/protocol/messages.ts';
import type { CoordinatorLink, Order } from '../../../src/worker/coordinator-link.ts';
import { runSession } from '../../../src/worker/session.ts';
import { fakeEngine } from '../../support/fake-engine.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { toyDataset } from '../../support/toy-engine.ts';
import { createVirtualTime, promisesSettle } from '../../support/virtual-time.ts';

type Sink = Parameters<CoordinatorLink['setReducedSink']>[0];

const envelope = { v: 6, run: 'r' } as const;
const attempt = { generation: 1, step: 0, attempt: 0 };

function openSession(allReduce = 'star') {
  const time = createVirtualTime();
  const orders = createAsyncQueue<Order>();
  const ending = new AbortController();
  const aborting = new AbortController();
  const log: string[] = [];
  const sent: Body<WorkerMessage>[] = [];
  let deliver: Sink = () => {};
  let held = false;

  const link: CoordinatorLink = {
    signal: ending.signal,
    aborted: aborting.signal,
    send(body) {
      sent.push(body);
      if (body.type !== 'contribute' || held) return;
      // As a hub of one rank does.
      queueMicrotask(() =>
        deliver({ ...envelope, type: 'reduced', ...attempt, step: body.step, bucket: body.bucket, waited: 0 }, [
          Float32Array.of(1, 2),
        ]),
      );
    },
    nextOrder: () => orders.next(),
    committed: async () => {},
    setReducedSink(sink) {
      deliver = sink;
    },
    joinRun() {},
    setGpuReading() {},
    fail: (error) => orders.fail(error),
    close: async () => {},
  };
  const session = runSession({
    link,
    quorum: { ...envelope, type: 'quorum', generation: 1, rank: 0, worldSize: 1, allReduce },
    engine: fakeEngine({
      computeGradients: async (indices) => {
        log.push(`compute ${indices.join()}`);
        return { lossSum: 1, correct: 1 };
      },
      applyGradients: async (sum) => {
        log.push(`apply ${sum.join()}`);
      },
    }),
    dataset: toyDataset(10),
    buckets: [{ from: 0, to: 2 }],
    seed: 5,
    checksumEvery: 1,
    clock: time.clock,
    observer: {
      joined: () => log.push('joined'),
      stepped: (samples) => log.push(`stepped ${samples}`),
      evaluated: (samples) => log.push(`evaluated ${samples}`),
    },
    onPhase: (phase) => log.push(`phase ${phase}`),
  });
  session.catch(() => {});
  return {
    time,
    session,
    log,
    sent,
    async give(order: Order) {
      log.splice(0);
      sent.splice(0);
      orders.push(order);
      await promisesSettle();
      await promisesSettle();
    },
    fail: (error: Error) => orders.fail(error),
    /** The hub waits for a member from now on. */
    holdSums() {
      held = true;
    },
    abort: (error: Error) => aborting.abort(error),
  };
}

const assign = (step: number, epoch: number): MessageOf<CoordinatorMessage, 'assign'> => ({
  ...envelope,
  type: 'assign',
  ...attempt,
  step,
  epoch,
  from: 2,
  to: 5,
  globalBatch: 3,
});

describe('a session', () => {
  it('carries out steps, whose samples are those of the order of their epoch', async () => {
    const { give, log, sent } = openSession();
    for (const [step, epoch] of [
      [0, 0],
      [1, 0],
      [2, 1],
    ] as const) {
      await give(assign(step, epoch));
      const indices = epochOrder(5, epoch, 10).slice(2, 5).join();
      expect(log).toEqual(['phase step', `compute ${indices}`, 'apply 1,2', 'stepped 3', 'phase idle']);
      expect(sent.map(({ type }) => type)).toEqual(['contribute', 'vote']);
    }
  });

  it.each([
    [{ type: 'evaluate', request: 1, split: 'test', from: 3, to: 10 }, 'evaluated', ['evaluated 7']],
    [{ type: 'report-state', request: 2, extent: 'checksum' }, 'state', []],
    [{ type: 'restore', request: 3, optimizerIterations: 1, tensors: [Float32Array.of(1, 2)] }, 'restored', []],
    [{ type: 'predict', request: 4, count: 2 }, 'predicted', []],
  ] as const)('answers $0.type', async (order, answer, observed) => {
    const { give, log, sent } = openSession();
    await give({ ...envelope, ...order });
    expect(sent).toMatchObject([{ type: answer, request: order.request }]);
    expect(log).toEqual([`phase ${order.type}`, ...observed, 'phase idle']);
  });

  it('books what it waits for orders as idle', async () => {
    const { time, give, sent } = openSession();
    time.advance(3000);
    await give({ ...envelope, type: 'predict', request: 1, count: 2 });
    expect(sent).toMatchObject([{ usage: { seconds: { idle: 3, evaluate: 0 } } }]);
  });

  it('is over when it is stopped, for the reason that it is told', async () => {
    const { give, session } = openSession();
    await give({ ...envelope, type: 'stop', outcome: 'completed', reason: 'all done' });
    expect(await outcomeOf(session)).toEqual({ value: 'all done' });
  });

  it('drops the step that waits for a lost member, and tells at which step it is', async () => {
    const { give, log, sent, holdSums, abort, session, time } = openSession();
    await give(assign(4, 0));
    holdSums();
    await give(assign(5, 0));
    time.advance(2000);
    abort(new Error('a member is lost'));
    await promisesSettle();
    await give({ ...envelope, type: 'report-state', request: 1, extent: 'state' });
    expect(log).toEqual(['phase report-state', 'phase idle']);
    // The wait for the member that is gone is no idle time.
    expect(sent).toMatchObject([{ type: 'state', step: 5, usage: { seconds: { wait: 2, idle: 0 } } }]);
    await give({ ...envelope, type: 'stop', outcome: 'completed', reason: 'over' });
    expect(await outcomeOf(session)).toEqual({ value: 'over' });
  });

  it('ends with what ends the link', async () => {
    const { session, fail } = openSession();
    fail(new Error('no word from the coordinator'));
    expect(await outcomeOf(session)).toEqual({ error: 'no word from the coordinator' });
  });

  it.each([
    { type: 'refuse', field: 'seed', expected: '1', actual: '2' },
    { type: 'quorum', generation: 2, rank: 0, worldSize: 1, allReduce: 'star' },
  ] as const)('takes no second beginning: $type', async (order) => {
    const { give, session } = openSession();
    await give({ ...envelope, ...order });
    expect(await outcomeOf(session)).toEqual({ error: `the coordinator sent '${order.type}' out of turn` });
  });

  it('needs a collective that it knows', async () => {
    const { session } = openSession('ring');
    await expect(session).rejects.toMatchObject({
      code: 'run-failed',
      message: "the run's all-reduce 'ring' is not known here",
    });
  });
});
