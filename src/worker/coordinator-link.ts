/**
 * A worker's view of its coordinator: orders to carry out one after another, commits to wait for, and sums for the
 * collective. It beats the worker's heart, and ends every wait when the coordinator has been silent for too long.
 */
import { createAsyncQueue } from '../shared/core/async-queue.ts';
import type { Clock } from '../shared/core/clock.ts';
import { type Deadlines, deadlinesFrom } from '../shared/core/deadlines.ts';
import { badInput, PennygradError } from '../shared/core/errors.ts';
import type {
  Attempt,
  Body,
  CoordinatorMessage,
  GpuReading,
  MessageOf,
  WorkerMessage,
} from '../shared/protocol/messages.ts';
import { connectWorkerSocket } from '../shared/transport/worker-socket.ts';

type From<Type extends CoordinatorMessage['type']> = MessageOf<CoordinatorMessage, Type>;

/** What a worker is told to do, in order. */
export type Order =
  | From<'welcome' | 'refuse' | 'quorum' | 'plan' | 'evaluate' | 'capture' | 'predict' | 'stop'>
  | RestoreOrder;
export type RestoreOrder = From<'restore'> & { readonly tensors: readonly Float32Array[] };

export interface CoordinatorLink {
  send(body: Body<WorkerMessage>, tensors?: readonly Float32Array[]): void;
  nextOrder(): Promise<Order>;
  /** Resolves when the attempt is committed. Commits of other attempts are stale and are dropped. */
  committed(attempt: Attempt): Promise<void>;
  /** Where `reduced` messages go; also told when the link fails. */
  setReducedSink(sink: ReducedSink): void;
  /** After the welcome: messages carry the run's id, and the run's own timeout holds. */
  joinRun(run: string, timeoutSeconds: number): void;
  /** What the worker's GPU reported last: its heartbeats say so from now on. */
  setGpuReading(reading: GpuReading): void;
  /** Ends every wait with `error`; the first failure wins. */
  fail(error: Error): void;
  /** Sends what is left and closes. May be called twice. */
  close(): Promise<void>;
}

export interface ReducedSink {
  deliver(message: From<'reduced'>, values: Float32Array | undefined): void;
  close(reason: Error): void;
}

export interface LinkOptions {
  readonly connect: string;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

export function openCoordinatorLink({ connect, timeoutSeconds, clock }: LinkOptions): CoordinatorLink {
  const orders = createAsyncQueue<Order>();
  const commits = createAsyncQueue<From<'commit'>>();
  let sink: ReducedSink | undefined;
  let run = '';
  let deadlines: Deadlines = deadlinesFrom(timeoutSeconds);
  let lastHeard = clock.now();
  let gpu: GpuReading | undefined;
  let closed = false;

  const socket = connectWorkerSocket({
    connect,
    onUnreachable: (reason) => fail(lost(`cannot send to the coordinator at ${connect}: ${reason}`)),
  });
  let heart = startHeart();
  void listen();

  function fail(error: Error): void {
    orders.fail(error);
    commits.fail(error);
    sink?.close(error);
  }

  async function listen(): Promise<void> {
    for await (const decoded of socket.receive()) {
      if (!decoded.ok) {
        if (decoded.reason === 'version') fail(badInput(`the coordinator at ${connect}: ${decoded.detail}`));
        // Anything else that is not understood is dropped: if it mattered, a deadline will say so.
        continue;
      }
      const { message, tensors } = decoded;
      if (run !== '' && message.run !== run) continue;
      lastHeard = clock.now();
      dispatch(message, tensors);
    }
  }

  function dispatch(message: CoordinatorMessage, tensors: readonly Float32Array[]): void {
    switch (message.type) {
      case 'reduced':
        sink?.deliver(message, tensors[0]);
        break;
      case 'commit':
        commits.push(message);
        break;
      case 'heartbeat':
      case 'pong':
        break;
      case 'welcome':
      case 'refuse':
      case 'quorum':
      case 'plan':
      case 'evaluate':
      case 'capture':
      case 'predict':
        orders.push(message);
        break;
      case 'restore':
        orders.push({ ...message, tensors });
        break;
      case 'stop':
        // A run that failed may stop a worker in the middle of a step, where it waits for something else than orders.
        if (message.outcome === 'completed') orders.push(message);
        else fail(new PennygradError(message.outcome, `the run failed: ${message.reason}`));
        break;
      default:
        message satisfies never;
    }
  }

  function startHeart(): NodeJS.Timeout {
    return setInterval(() => {
      if (run !== '') socket.send({ type: 'heartbeat', ...(gpu === undefined ? {} : { gpu }) });
      const silence = (clock.now() - lastHeard) * 1000;
      if (silence > deadlines.silenceMs) {
        fail(lost(`no word from the coordinator at ${connect} for ${(silence / 1000).toFixed(1)} s`));
      }
    }, deadlines.heartbeatMs);
  }

  return {
    send: (body, tensors) => socket.send(body, tensors),
    nextOrder: () => orders.next(),
    async committed({ generation, step, attempt }) {
      for (;;) {
        const commit = await commits.next();
        if (commit.generation === generation && commit.step === step && commit.attempt === attempt) return;
      }
    },
    setReducedSink(next) {
      sink = next;
    },
    joinRun(id, timeout) {
      run = id;
      socket.joinRun(id);
      deadlines = deadlinesFrom(timeout);
      clearInterval(heart);
      heart = startHeart();
    },
    setGpuReading(reading) {
      gpu = reading;
    },
    fail,
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(heart);
      fail(new PennygradError('interrupted', 'the link to the coordinator was closed'));
      await socket.flushed();
      socket.close();
    },
  };
}

function lost(message: string): PennygradError {
  return new PennygradError('quorum-lost', `${message}; is it still running and reachable?`);
}
