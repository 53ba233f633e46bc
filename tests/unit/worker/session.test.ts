/** A worker's part in a generation, by the orders that the test gives it. */
import { describe, expect, it } from 'vitest';
import { createAsyncQueue } from '../../../src/shared/core/async-queue.ts';
import { epochOrder, memoizedOrder } from '../../../src/shared/core/sampling.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../../src/shared/protocol/messages.ts';
import { shareVectors } from '../../../src/shared/transport/share-vectors.ts';
import type { CoordinatorLink, Order } from '../../../src/worker/coordinator-link.ts';
import type { GenerationInbox } from '../../../src/worker/generation-inbox.ts';
import type { SharedVectors } from '../../../src/worker/peer-links.ts';
import { beginReplica } from '../../../src/worker/replica.ts';
import { runSession } from '../../../src/worker/session.ts';
import type { Room } from '../../../src/worker/state-transfers.ts';
import { startUsageMeter } from '../../../src/worker/usage-meter.ts';
import { fakeEngine } from '../../support/fake-engine.ts';
import { createMemoryVectors } from '../../support/memory-vectors.ts';
import { createNetworkVectors } from '../../support/network-vectors.ts';
import { offerFrom } from '../../support/opened-vectors.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { toyDataset } from '../../support/toy-engine.ts';
import { createVirtualTime, promisesSettle } from '../../support/virtual-time.ts';

type Sink = Parameters<CoordinatorLink['setReducedSink']>[0];

const envelope = { v: 8, run: 'r' } as const;
const attempt = { generation: 1, step: 0, attempt: 0 };
/** What is sent is short. */
const noRoom: Room = { taken: () => Promise.reject(new Error('no chunks')) };

function openSession(allReduce = 'star', worldSize = 1, vectors?: SharedVectors) {
  const time = createVirtualTime();
  const orders = createAsyncQueue<Order>();
  const ending = new AbortController();
  const aborting = new AbortController();
  const log: string[] = [];
  const sent: Body<WorkerMessage>[] = [];
  let deliver: Sink = () => {};
  let held = false;
  let askAwaited: () => readonly string[] = () => [];

  const link: CoordinatorLink = {
    signal: ending.signal,
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
    sendLater: (body) => sent.push(body),
    ordersLeft: () => orders.length,
    nextOrder: () => orders.next(),
    setReducedSink(sink) {
      deliver = sink;
    },
    joinRun() {},
    expectState() {},
    setGpuReading() {},
    setAwaited(ask) {
      askAwaited = ask;
    },
    fail: (error) => orders.fail(error),
    close: async () => {},
  };
  const inbox: GenerationInbox = { aborted: aborting.signal, committed: async () => ({ skipped: false }) };
  const replica = beginReplica();
  const session = runSession({
    link,
    workerId: 'w0',
    clock: time.clock,
    timers: time.timers,
    quorum: { ...envelope, type: 'quorum', generation: 1, rank: 0, worldSize, allReduce, inbox },
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
    vectors,
    patience: { reachMs: 1, answerMs: 1 },
    buckets: [{ from: 0, to: 2 }],
    localGradients: undefined,
    checksumEvery: 1,
    orderOf: memoizedOrder(5, 10),
    usage: startUsageMeter(time.clock),
    replica,
    observer: {
      joined: () => log.push('joined'),
      stepped: (samples) => log.push(`stepped ${samples}`),
      evaluated: (samples) => log.push(`evaluated ${samples}`),
    },
    log: (line) => log.push(line),
    onPhase: (phase) => log.push(`phase ${phase}`),
  });
  session.catch(() => {});
  return {
    time,
    session,
    orders,
    replica,
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
    awaited: () => askAwaited(),
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

  it('says by name whose gradient it waits for, while it does', async () => {
    const sharing = shareVectors({ memory: createMemoryVectors(), network: createNetworkVectors()() });
    const [own, other] = [await offerFrom(sharing, 2), await offerFrom(sharing, 2)];
    const { give, awaited } = openSession('star', 2, { own, sharing });
    const ranks = [own, other].map(({ offer }, rank) => ({ workerId: `w${rank}`, vectors: offer }));
    await give({ ...envelope, type: 'link', request: 1, ranks });
    await give({ ...envelope, type: 'exchange', generation: 1, allReduce: 'mesh' });
    expect(awaited()).toEqual([]);
    await give(assign(0, 0));
    expect(awaited()).toEqual(['w1']);
    other.begin(0, attempt);
    other.write(0, 0, Float32Array.of(3, 4));
    other.publish(0, { attempt, figures: [0, 2, 1, 1, 1, 0.5] });
    await promisesSettle();
    expect(awaited()).toEqual([]);
  });

  it('says once how gradients go, where there are others', async () => {
    const { give, log } = openSession('star', 2);
    await give(assign(0, 0));
    expect(log.slice(0, 2)).toEqual(['phase step', expect.stringMatching(/^all-reduce star: /)]);
    await give(assign(1, 0));
    expect(log.join()).not.toContain('all-reduce');
  });

  it.each([
    [{ type: 'evaluate', request: 1, split: 'test', from: 3, to: 10 }, 'evaluated', ['evaluated 7']],
    [{ type: 'report-state', request: 2, extent: 'checksum', room: noRoom }, 'state', []],
    [
      {
        type: 'restore',
        request: 3,
        applied: { step: 7, generation: 1 },
        optimizerIterations: 1,
        tensors: [Float32Array.of(1, 2)],
        areLent: true,
      },
      'restored',
      [],
    ],
    [{ type: 'predict', request: 4, count: 2 }, 'predicted', []],
    // It reads nobody.
    [{ type: 'measure', request: 5 }, 'measured', []],
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
    expect(await outcomeOf(session)).toEqual({ value: { kind: 'over', reason: 'all done' } });
  });

  it('drops the step that waits for a lost member, and tells at which step it is', async () => {
    const { give, log, sent, holdSums, abort, session, time } = openSession();
    await give(assign(4, 0));
    holdSums();
    await give(assign(5, 0));
    time.advance(2000);
    abort(new Error('a member is lost'));
    await promisesSettle();
    await give({ ...envelope, type: 'report-state', request: 1, extent: 'state', room: noRoom });
    expect(log).toEqual(['phase report-state', 'phase idle']);
    // The wait for the member that is gone is no idle time.
    expect(sent).toMatchObject([
      { type: 'state', applied: { step: 5, generation: 1 }, usage: { seconds: { wait: 2, idle: 0 } } },
    ]);
    await give({ ...envelope, type: 'stop', outcome: 'completed', reason: 'over' });
    expect(await outcomeOf(session)).toEqual({ value: { kind: 'over', reason: 'over' } });
  });

  it('ends with what ends the link', async () => {
    const { session, fail } = openSession();
    fail(new Error('no word from the coordinator'));
    expect(await outcomeOf(session)).toEqual({ error: 'no word from the coordinator' });
  });

  it('takes no second answer to its hello', async () => {
    const { give, session } = openSession();
    await give({ ...envelope, type: 'refuse', field: 'seed', expected: '1', actual: '2' });
    expect(await outcomeOf(session)).toEqual({ error: "the coordinator sent 'refuse' out of turn" });
  });

  it('ends where another generation begins, and hands on its beginning', async () => {
    const { give, session, sent } = openSession();
    const inbox: GenerationInbox = {
      aborted: new AbortController().signal,
      committed: async () => ({ skipped: false }),
    };
    const quorum = {
      ...envelope,
      type: 'quorum',
      generation: 2,
      rank: 1,
      worldSize: 3,
      allReduce: 'star',
      inbox,
    } as const;
    await give(quorum);
    expect(await outcomeOf(session)).toEqual({ value: { kind: 'next', quorum } });
    expect(sent).toEqual([]);
  });

  it('ends so too in the middle of a step that a loss has aborted', async () => {
    const { give, session, holdSums, abort } = openSession();
    holdSums();
    await give(assign(0, 0));
    abort(new Error('a member is lost'));
    await promisesSettle();
    const inbox: GenerationInbox = {
      aborted: new AbortController().signal,
      committed: async () => ({ skipped: false }),
    };
    await give({ ...envelope, type: 'quorum', generation: 2, rank: 0, worldSize: 1, allReduce: 'star', inbox });
    expect(await outcomeOf(session)).toMatchObject({ value: { kind: 'next', quorum: { generation: 2 } } });
  });

  it('keeps count of what its replica has seen: steps that are committed, and states that it takes over', async () => {
    const { give, replica, holdSums, abort, sent } = openSession();
    await give({ ...envelope, type: 'report-state', request: 1, extent: 'checksum', room: noRoom });
    expect([replica.applied, sent[0]]).toMatchObject([undefined, { type: 'state', applied: undefined }]);
    const tensors = [Float32Array.of(1, 2)];
    await give({
      ...envelope,
      type: 'restore',
      request: 2,
      applied: { step: 7, generation: 1 },
      optimizerIterations: 1,
      tensors,
      areLent: true,
    });
    expect(replica.applied).toEqual({ step: 7, generation: 1 });
    await give(assign(7, 0));
    expect(replica.applied).toEqual({ step: 8, generation: 1 });
    holdSums();
    await give(assign(8, 0));
    abort(new Error('a member is lost'));
    await promisesSettle();
    expect(replica.applied).toEqual({ step: 8, generation: 1 });
    await give({ ...envelope, type: 'report-state', request: 3, extent: 'checksum', room: noRoom });
    expect(sent).toMatchObject([{ type: 'state', applied: { step: 8, generation: 1 } }]);
  });

  it('needs a collective that it knows', async () => {
    const { session } = openSession('spiral');
    await expect(session).rejects.toMatchObject({
      code: 'run-failed',
      message: "the run's all-reduce 'spiral' is not known here",
    });
  });
});

it('a worker that is alone hears signals and timers after every step, however many orders wait for it', async () => {
  const { session, log, orders } = openSession('solo');
  for (let step = 0; step < 20; step++) orders.push({ ...assign(step, 0), step });
  orders.push({ ...envelope, type: 'stop', outcome: 'completed', reason: 'completed' });
  const turns: number[] = [];
  const applied = () => log.filter((line) => line.startsWith('apply')).length;
  const count = () => {
    turns.push(applied());
    if (applied() < 20) setImmediate(count);
  };
  setImmediate(count);
  await session;
  // A step a turn, and not all of them in the first.
  expect(turns.length).toBeGreaterThanOrEqual(20);
});
