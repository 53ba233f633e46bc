/** Frames to messages and back. Nothing a peer can send makes `decode` throw: it returns what was wrong instead. */
import { Packr } from 'msgpackr';
import type { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import { readAssignment, readVote } from './frequent-messages.ts';
import { findForeign } from './header-check.ts';
import {
  maxHeaderBytes,
  maxJoinedMessages,
  maxStrangerHeaderBytes,
  maxTensorFrames,
  protocolVersion,
} from './limits.ts';
import {
  type Body,
  type CoordinatorMessage,
  coordinatorMessage,
  type WorkerMessage,
  workerMessage,
} from './messages.ts';
import { type PeerMessage, peerMessage } from './peer-messages.ts';

/** Why a message was not accepted; the label values of `pennygrad_frames_rejected_total`. */
export type RejectionReason = 'frames' | 'header' | 'version' | 'fields' | 'tensor';

export type Decoded<Message> =
  | { readonly ok: true; readonly message: Message; readonly tensors: readonly Float32Array[] }
  | {
      readonly ok: false;
      readonly reason: RejectionReason;
      readonly detail: string;
      /** The protocol version of the other side, where that is what differs. */
      readonly version?: string;
    };

/** A stranger is a peer that has not been let into the run. */
export type Sender = 'member' | 'stranger';

const limits = {
  member: { headerBytes: maxHeaderBytes, tensorFrames: maxTensorFrames },
  stranger: { headerBytes: maxStrangerHeaderBytes, tensorFrames: 0 },
} as const;

// Plain MessagePack. These options say what is written; what is read, `findForeign` decides.
const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number', moreTypes: false });

const float32Bytes = Float32Array.BYTES_PER_ELEMENT;

/**
 * Header and tensor frames, ready for a socket. Tensors are not copied: they may not change until they are sent. Fields
 * that are undefined do not travel, at any depth: MessagePack has no such value.
 */
export function encode<Message extends WorkerMessage | CoordinatorMessage | PeerMessage>(
  run: string,
  body: Body<Message>,
  tensors: readonly Float32Array[] = [],
): (Uint8Array | Float32Array)[] {
  const header = withoutUndefined({ v: protocolVersion, run, ...body });
  return [packr.pack(header), ...tensors];
}

/** The value itself where nothing is to be left out. In a list undefined becomes null, as in JSON. */
function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => withoutUndefined(item) ?? null);
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  const before = value as Readonly<Record<string, unknown>>;
  const fields = Object.keys(before);
  const isKept = (field: string) => before[field] !== undefined && withoutUndefined(before[field]) === before[field];
  if (fields.every(isKept)) return value;
  const after: Record<string, unknown> = {};
  for (const field of fields) if (before[field] !== undefined) after[field] = withoutUndefined(before[field]);
  return after;
}

/**
 * Headers of messages without tensors as one header: a list of them. A frame costs both sides more than what is in it.
 * @param headers `maxJoinedMessages` at most, of `maxJoinedBytes` together
 */
export function joinHeaders(headers: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(listType, headers.length >> 8, headers.length & 0xff), ...headers]);
}

/** In MessagePack: a list whose length is in the next two bytes. */
const listType = 0xdc;

/** How the messages of one direction are read. */
interface Reading<Message> {
  readonly schema: z.ZodType<Message>;
  /** Reads what comes most often, as the schema does, and leaves the rest to it. */
  readonly readFrequent?: (value: object) => Message | undefined;
}

const fromWorker: Reading<WorkerMessage> = { schema: workerMessage, readFrequent: readVote };
const fromCoordinator: Reading<CoordinatorMessage> = { schema: coordinatorMessage, readFrequent: readAssignment };
const fromPeer: Reading<PeerMessage> = { schema: peerMessage };

/** The one message of the frames. */
export const decodeWorkerMessage = (frames: readonly Uint8Array[], sender: Sender = 'member') =>
  onlyOne(decode(fromWorker, frames, sender));
export const decodeCoordinatorMessage = (frames: readonly Uint8Array[]) =>
  onlyOne(decode(fromCoordinator, frames, 'member'));

/** All messages of the frames, in the order in which they were sent. */
export const decodeWorkerMessages = (frames: readonly Uint8Array[], sender: Sender = 'member') =>
  decode(fromWorker, frames, sender);
export const decodeCoordinatorMessages = (frames: readonly Uint8Array[]) => decode(fromCoordinator, frames, 'member');

/** What another worker says. One that has not shown that it may ask is a stranger. */
export const decodePeerMessage = (frames: readonly Uint8Array[], sender: Sender) =>
  onlyOne(decode(fromPeer, frames, sender));

function onlyOne<Message>([decoded, ...more]: readonly Decoded<Message>[]): Decoded<Message> {
  return decoded === undefined || more.length > 0
    ? rejected('header', `${1 + more.length} messages, not one`)
    : decoded;
}

function decode<Message>(
  reading: Reading<Message>,
  frames: readonly Uint8Array[],
  sender: Sender,
): readonly Decoded<Message>[] {
  const [header, ...tensorFrames] = frames;
  const most = limits[sender];
  if (header === undefined) return [rejected('frames', 'no header frame')];
  if (header.byteLength > most.headerBytes) return [rejected('header', `header of ${header.byteLength} bytes`)];
  if (tensorFrames.length > most.tensorFrames) return [rejected('frames', `${tensorFrames.length} tensor frames`)];

  const foreign = findForeign(header);
  if (foreign !== undefined) return [rejected('header', foreign)];
  let value: unknown;
  try {
    value = packr.unpack(header);
  } catch (error) {
    return [rejected('header', messageOf(error))];
  }
  if (!Array.isArray(value)) return [decodeOne(reading, value, tensorFrames)];
  if (value.length === 0 || value.length > maxJoinedMessages) {
    return [rejected('header', `a list of ${value.length} messages, it must have 1 to ${maxJoinedMessages}`)];
  }
  if (tensorFrames.length > 0) return [rejected('frames', 'tensor frames after a list of messages')];
  const decoded = value.map((one) => decodeOne(reading, one, []));
  // One is enough to refuse all of them: a short frame could hold many.
  const wrong = decoded.find(({ ok }) => !ok);
  return wrong === undefined ? decoded : [wrong];
}

function decodeOne<Message>(
  { schema, readFrequent }: Reading<Message>,
  value: unknown,
  tensorFrames: readonly Uint8Array[],
): Decoded<Message> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return rejected('header', `${kindOf(value)}, not a map`);
  }
  const version = (value as { v?: unknown }).v;
  if (version !== protocolVersion) {
    const detail = `protocol version ${shown(version)}, this side speaks ${protocolVersion}`;
    return { ok: false, reason: 'version', detail, version: shown(version) };
  }
  let message = readFrequent?.(value);
  if (message === undefined) {
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return rejected('fields', `${issue?.path.join('.') || 'header'}: ${issue?.message ?? 'invalid'}`);
    }
    message = parsed.data;
  }

  const tensors: Float32Array[] = [];
  for (const frame of tensorFrames) {
    if (frame.byteLength % float32Bytes !== 0) return rejected('tensor', `a tensor frame of ${frame.byteLength} bytes`);
    tensors.push(float32View(frame));
  }
  return { ok: true, message, tensors };
}

/** The frame's floats in place; a copy only where the bytes are not aligned. */
function float32View(frame: Uint8Array): Float32Array {
  const aligned = frame.byteOffset % float32Bytes === 0 ? frame : Uint8Array.from(frame);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / float32Bytes);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function shown(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value).slice(0, 40) : typeof value;
}

function rejected(reason: RejectionReason, detail: string): Decoded<never> {
  return { ok: false, reason, detail };
}
