/** States on their way in chunks between the coordinator and the members of a generation. */
import type { MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import {
  type Chunk,
  type ChunkSizes,
  createChunkReader,
  createChunkSender,
  createStateCollector,
} from '../../shared/protocol/state-chunks.ts';
import { diverged, type Refusal, wrong } from './refusal.ts';

type From<Type extends WorkerMessage['type']> = MessageOf<WorkerMessage, Type>;

/** Where the chunks of a member's state go. */
export interface ChunkSink {
  /** @param total floats of the state */
  add(chunk: Chunk, total: number): void;
  /** What was put together; nothing where the chunks were passed on. */
  vectors(): readonly Float32Array[];
}

/** A state that a member was asked for. */
export interface IncomingState {
  /** Takes a chunk; says why if it does not. */
  receive(message: From<'chunk'>, tensors: readonly Float32Array[]): Refusal | undefined;
  /** The member is told that so many floats are taken. */
  grant(offset: number): void;
  /** Whether the member must wait until more is taken. */
  isFull(): boolean;
  /**
   * The message after the last chunk is here.
   * @returns undefined where no chunk was sent: the state is in the message itself
   */
  end(message: From<'state'>, tensors: readonly Float32Array[]): ArrivedState | Refusal | undefined;
}

/** A state that came in chunks, whole and in order. */
export interface ArrivedState {
  readonly kind: 'arrived';
  readonly vectors: readonly Float32Array[];
  readonly parametersChecksum: number;
}

/**
 * @param lengths of the vectors that were asked for, in floats
 * @param tell sends the member how much is taken
 */
export function receiveState(
  lengths: readonly number[],
  sizes: ChunkSizes,
  sink: ChunkSink,
  tell: (offset: number) => void,
): IncomingState {
  const { windowFloats } = sizes;
  const reader = createChunkReader(lengths, sizes);
  let granted = 0;
  return {
    receive(message, tensors) {
      const what = `a wrong chunk of request ${message.request}`;
      const ahead = reader.taken() + (tensors[0]?.length ?? 0) - granted;
      if (ahead > windowFloats) return wrong(what, `at most ${windowFloats} floats may be on their way, got ${ahead}`);
      const outcome = reader.add(message, tensors);
      if (outcome.kind === 'refused') return wrong(what, outcome.problem);
      if (outcome.kind === 'diverged') return diverged(`the state of the model became ${outcome.value}`);
      sink.add(outcome.chunk, message.total);
      return undefined;
    },
    grant(offset) {
      granted = offset;
      tell(offset);
    },
    isFull: () => reader.taken() - granted >= windowFloats,
    end({ request, stateChecksum }, tensors) {
      const what = `a wrong 'state' to request ${request}`;
      if (reader.taken() === 0) {
        return stateChecksum === undefined
          ? undefined
          : wrong(what, `stateChecksum must be left out, got ${stateChecksum}`);
      }
      if (tensors.length > 0) return wrong(what, `it must have no tensors after chunks, got ${tensors.length}`);
      const problem = reader.checkEnd(stateChecksum);
      if (problem !== undefined) return wrong(what, problem);
      return { kind: 'arrived', vectors: sink.vectors(), parametersChecksum: reader.parametersChecksum() };
    },
  };
}

/** Puts a state together in memory. @param grant tells its sender that so many floats are taken */
export function collectState(lengths: readonly number[], grant: (offset: number) => void): ChunkSink {
  const collector = createStateCollector(lengths);
  return {
    add(chunk) {
      collector.add(chunk);
      grant(chunk.offset + chunk.floats.length);
    },
    vectors: () => collector.vectors(),
  };
}

/** What a member has been sent of a state, and has taken. */
export interface OutgoingState {
  send(chunk: Chunk, total: number): void;
  /** The member has taken so many floats, which are those of one more chunk; says why if that cannot be. */
  noteTaken(message: From<'taken'>): Refusal | undefined;
  /** Whether it has taken all that it was sent. */
  isIdle(): boolean;
}

/**
 * @param post sends the member a chunk
 * @param onTaken told of every advance
 */
export function sendStateTo(
  post: (chunk: Chunk, total: number) => void,
  onTaken: (offset: number) => void,
): OutgoingState {
  /** Where the chunks end that it has not taken, at most as many as may be on their way. */
  const ends: number[] = [];
  return {
    send(chunk, total) {
      post(chunk, total);
      ends.push(chunk.offset + chunk.floats.length);
    },
    noteTaken({ request, offset }) {
      const what = `a wrong 'taken' of request ${request}`;
      const [due] = ends;
      if (due === undefined) return wrong(what, 'it has taken all that it was sent');
      // Each advance gives it time for the next, so a chunk is not taken bit by bit.
      if (offset !== due) return wrong(what, `offset must be ${due}, got ${offset}`);
      ends.shift();
      onTaken(offset);
      return undefined;
    },
    isIdle: () => ends.length === 0,
  };
}

/** A state that is sent from memory, to one member. */
export interface StatePump {
  /** Sends what there is room for. @param taken floats that the member has taken */
  advance(taken: number): void;
}

/** @param onSent told once, when the last chunk was sent */
export function pumpState(
  vectors: readonly Float32Array[],
  sizes: ChunkSizes,
  send: (chunk: Chunk, total: number) => void,
  onSent: (stateChecksum: number) => void,
): StatePump {
  const sender = createChunkSender(vectors, sizes);
  let isOver = false;
  return {
    advance(taken) {
      sender.noteTaken(taken);
      for (const chunk of sender.next()) send(chunk, sender.total);
      if (isOver || !sender.isDone()) return;
      isOver = true;
      onSent(sender.checksum());
    },
  };
}
