/** A worker that gets a message it cannot accept, over a real connection. */
import { afterEach, expect, test } from 'vitest';
import { Router } from 'zeromq';
import { systemClock } from '../../../src/shared/core/clock.ts';
import { systemTimers } from '../../../src/shared/core/timers.ts';
import { decodeWorkerMessage, encode } from '../../../src/shared/protocol/codec.ts';
import type { CoordinatorMessage } from '../../../src/shared/protocol/messages.ts';
import { openCoordinatorLink } from '../../../src/worker/coordinator-link.ts';
import { runWorker } from '../../../src/worker/run-worker.ts';

const routers: Router[] = [];
afterEach(() => {
  for (const router of routers.splice(0)) router.close();
});

/** A worker that has said hello. `answer` is what it hears; `said` resolves with what it says then. */
async function joining() {
  const router = new Router({ linger: 0 });
  routers.push(router);
  await router.bind('tcp://127.0.0.1:*');
  const connect = router.lastEndpoint ?? '';
  const ended = runWorker(
    {
      connect,
      workerId: 'w0',
      version: '1',
      cpu: 'x64',
      timeoutSeconds: 600,
      expected: {},
      signal: new AbortController().signal,
    },
    {
      clock: systemClock,
      timers: systemTimers,
      sleep: async () => {},
      processorSeconds: () => 0,
      uptime: () => 0,
      loadDataset: () => new Promise(() => {}),
      readGpu: async () => undefined,
      selectEngine: () => Promise.reject(new Error('not asked for here')),
      ipFamilyOf: async () => 4,
      log: () => {},
    },
  ).then(
    () => undefined,
    (error: unknown) => error,
  );
  const [peer = Buffer.alloc(0)] = await router.receive();
  const said = async () => {
    const [, ...frames] = await router.receive();
    return decodeWorkerMessage(frames);
  };
  return { connect, ended, said, answer: (frames: readonly Uint8Array[]) => router.send([peer, ...frames]) };
}

const welcome = (classes: number) =>
  encode<CoordinatorMessage>('run-1', {
    type: 'welcome',
    model: { name: 'mlp', inputShape: [28, 28, 1], classes },
    optimizer: { name: 'sgd', learningRate: 1 },
    dataset: { name: './mine', digest: '' },
    seed: 1,
    checksumEvery: 50,
    generation: 0,
    timeout: 600,
  }) as Uint8Array[];

test.each<[string, readonly Uint8Array[], RegExp]>([
  ['a model with one class', welcome(1), /model\.classes: /],
  ['something else than messages', [Buffer.from('HTTP/1.1 400 Bad Request')], /bytes after its end/],
])(
  'a worker that is welcomed with %s says so at once, to the coordinator and to the user',
  async (_, frames, reason) => {
    const { connect, ended, said, answer } = await joining();
    await answer(frames);
    const why = expect.stringMatching(
      new RegExp(`^the coordinator at ${connect} sent what this worker cannot accept: .*(${reason.source})`, 'i'),
    );
    expect(await said()).toMatchObject({
      ok: true,
      message: { type: 'leave', code: 'bad-input', phase: 'rendezvous', reason: why },
    });
    expect(await ended).toMatchObject({ code: 'bad-input', message: why });
  },
);

test('a member that gets such a message leaves its run as failed', async () => {
  const router = new Router({ linger: 0 });
  routers.push(router);
  await router.bind('tcp://127.0.0.1:*');
  const connect = router.lastEndpoint ?? '';
  const link = openCoordinatorLink({
    connect,
    family: 4,
    timeoutSeconds: 600,
    clock: systemClock,
    timers: systemTimers,
    managed: false,
    onStoodStill() {},
  });
  link.joinRun('run-1', 600);
  link.send({ type: 'heartbeat' });
  const [peer = Buffer.alloc(0)] = await router.receive();
  const waiting = link.nextOrder();
  await router.send([peer, Buffer.from([0xc1])]);
  await expect(waiting).rejects.toMatchObject({ code: 'run-failed' });
  await link.close();
});
