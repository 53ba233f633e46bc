/** States on their way in chunks between this worker and its coordinator. What a loss cuts off is dropped, and never applied. */
import { type AsyncQueue, createAsyncQueue } from '../shared/core/async-queue.ts';
import { PennygradError } from '../shared/core/errors.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../shared/protocol/messages.ts';
import {
  type ChunkReader,
  type ChunkSizes,
  chunkSizes,
  createChunkReader,
  createChunkSender,
  createStateCollector,
  type StateCollector,
  travelsWhole,
} from '../shared/protocol/state-chunks.ts';

type From<Type extends CoordinatorMessage['type']> = MessageOf<CoordinatorMessage, Type>;

/** What the coordinator has taken of the state that it asked for. */
export interface Room {
  /** Resolves to the number of floats that it has taken, when it says so. Rejects with `TransferDropped` after a loss. */
  taken(): Promise<number>;
}

/** Nobody waits for the rest of the state: the generation has lost a member. */
export class TransferDropped extends PennygradError {
  constructor() {
    super('quorum-lost', 'the generation lost a member while a state was sent');
  }
}

export interface StateTransfers {
  /** The vectors that a state consists of, in floats, and how they are cut. Other chunks are refused. */
  expect(lengths: readonly number[], sizes: ChunkSizes): void;
  /** A state is asked for. What was asked for before is answered, or comes to nothing. */
  open(request: number): Room;
  /** The coordinator has taken some of the state that it asked for. */
  noteTaken(message: From<'taken'>): void;
  /** @returns why the chunk is wrong, if it is */
  receive(message: From<'chunk'>, tensors: readonly Float32Array[]): string | undefined;
  /** The state that came in chunks for this order; or why there is no such state. */
  collect(order: From<'restore'>): { readonly vectors: readonly Float32Array[] } | { readonly problem: string };
  /** What is under way comes to nothing. @param reason what ends it; the loss of a member unless given */
  drop(reason?: Error): void;
}

/** A state on its way to this worker. */
interface Incoming {
  readonly request: number;
  readonly reader: ChunkReader;
  readonly collector: StateCollector;
}

/** @param send how the coordinator is told what was taken */
export function createStateTransfers(send: (body: Body<MessageOf<WorkerMessage, 'taken'>>) => void): StateTransfers {
  let outgoing: { readonly request: number; readonly offsets: AsyncQueue<number> } | undefined;
  let lengths: readonly number[] = [];
  let sizes = chunkSizes();
  let incoming: Incoming | undefined;

  function dropOutgoing(reason: Error): void {
    outgoing?.offsets.fail(reason);
    outgoing = undefined;
  }

  return {
    expect(expected, cutInto) {
      lengths = expected;
      sizes = cutInto;
    },
    open(request) {
      dropOutgoing(new TransferDropped());
      const offsets = createAsyncQueue<number>();
      outgoing = { request, offsets };
      return { taken: () => offsets.next() };
    },
    noteTaken({ request, offset }) {
      if (outgoing?.request === request) outgoing.offsets.push(offset);
    },
    receive({ request, total, offset }, tensors) {
      if (incoming?.request !== request) {
        incoming = { request, reader: createChunkReader(lengths, sizes), collector: createStateCollector(lengths) };
      }
      const outcome = incoming.reader.add({ total, offset }, tensors);
      if (outcome.kind === 'refused') return outcome.problem;
      if (outcome.kind === 'diverged') return `it has ${outcome.value}`;
      incoming.collector.add(outcome.chunk);
      send({ type: 'taken', request, offset: incoming.reader.taken() });
      return undefined;
    },
    collect({ request, stateChecksum }) {
      const whole = incoming;
      incoming = undefined;
      if (whole?.request !== request) return { problem: 'its state must be here before, none is' };
      const problem = whole.reader.checkEnd(stateChecksum);
      return problem === undefined ? { vectors: whole.collector.vectors() } : { problem };
    },
    drop(reason = new TransferDropped()) {
      dropOutgoing(reason);
      incoming = undefined;
    },
  };
}

export interface StateReply {
  readonly body: Body<MessageOf<WorkerMessage, 'state'>>;
  readonly tensors: readonly Float32Array[];
}

/** Answers with a state: whole in one message if it is short, in chunks before that message if it is not. */
export async function sendState(
  { body, tensors }: StateReply,
  room: Room,
  sizes: ChunkSizes,
  send: (body: Body<WorkerMessage>, tensors?: readonly Float32Array[]) => void,
): Promise<void> {
  if (travelsWhole(tensors, sizes)) {
    send(body, tensors);
    return;
  }
  const { request } = body;
  const sender = createChunkSender(tensors, sizes);
  for (;;) {
    for (const { offset, floats } of sender.next()) {
      send({ type: 'chunk', request, total: sender.total, offset }, [floats]);
    }
    if (sender.isDone()) break;
    sender.noteTaken(await room.taken());
  }
  send({ ...body, stateChecksum: sender.checksum() });
}
