/**
 * A ZeroMQ socket takes one send at a time (a second one is refused with EBUSY). An outbox puts sends in order, so that
 * callers need not wait for each other.
 */
export interface Outbox<Frames> {
  /** Queues a message. Failures go to `onError`, not to the caller. */
  post(frames: Frames): void;
  /** Resolves when everything posted so far was handed to ZeroMQ or has failed. */
  flushed(): Promise<void>;
}

export function createOutbox<Frames>(
  send: (frames: Frames) => Promise<void>,
  onError: (error: unknown, frames: Frames) => void,
): Outbox<Frames> {
  const queue: Frames[] = [];
  let draining: Promise<void> | undefined;

  async function drain(): Promise<void> {
    for (let frames = queue.shift(); frames !== undefined; frames = queue.shift()) {
      try {
        await send(frames);
      } catch (error) {
        onError(error, frames);
      }
    }
    draining = undefined;
  }

  return {
    post(frames) {
      queue.push(frames);
      draining ??= drain();
    },
    flushed: async () => draining,
  };
}
