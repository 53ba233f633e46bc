/**
 * Processes that send each other messages, event by event. A process has a processor that does one thing at a time, and a
 * full-duplex link whose two sides carry one message at a time, in the order of asking. A message passes
 *
 *   the sender's processor → its link's way out → the delay → the way in of the receiver's link → the receiver's processor
 *
 * Switches forward while they receive, so the way in begins with the first byte and not after the last. Pure.
 */
import { bytesPerFloat, type Link, type ProcessorCosts } from '../../shared/collectives/cost-model.ts';
import { createEventQueue } from './event-queue.ts';

export interface SimulatedProcess {
  readonly link: Link;
  readonly processor: ProcessorCosts;
}

export interface Message {
  readonly from: number;
  readonly to: number;
  readonly floats: number;
  /** How many messages it stands for. */
  readonly count: number;
  /** Whether the receiver adds it to a sum. */
  readonly isAdded: boolean;
  /** Counts from 0. */
  readonly step: number;
  /** Which bucket of the gradient it is of. */
  readonly bucket: number;
  /** How often this part of the bucket has travelled before. */
  readonly hop: number;
}

/** What happens to a message, in this order. */
export type Moment = 'asked' | 'left' | 'arrived' | 'delivered';

export interface NetworkOptions {
  readonly processes: readonly SimulatedProcess[];
  /** Processors that all of them share; undefined: each has one of its own. */
  readonly cores?: number | undefined;
  /** A message has been received, and added if it is to be. */
  readonly onDelivered: (message: Message, now: number) => void;
  readonly observe?: ((message: Message, moment: Moment, now: number) => void) | undefined;
}

/** By process. */
export interface Traffic {
  readonly sentBytes: readonly number[];
  readonly receivedBytes: readonly number[];
  /** Seconds in which each was busy. */
  readonly outSeconds: readonly number[];
  readonly inSeconds: readonly number[];
  readonly processorSeconds: readonly number[];
}

export interface Network {
  at(seconds: number, happen: (now: number) => void): void;
  /** Sends from now on. */
  send(message: Message, now: number): void;
  /** Lets everything happen. */
  run(): Traffic;
}

/** What the network is to do next with a message, or what somebody asked it to call. */
type NetworkEvent =
  | { readonly kind: 'reach'; readonly message: Message; readonly lastByte: number }
  | { readonly kind: 'receive'; readonly message: Message }
  | { readonly kind: 'deliver'; readonly message: Message }
  | { readonly kind: 'call'; readonly happen: (now: number) => void };

export function createNetwork({ processes, cores, onDelivered, observe }: NetworkOptions): Network {
  const queue = createEventQueue<NetworkEvent>();
  const zeros = () => processes.map(() => 0);
  /** When each will be free, and how long it was busy until then. */
  const [outFree, inFree, outBusy, inBusy] = [zeros(), zeros(), zeros(), zeros()];
  const [sent, received] = [zeros(), zeros()];
  const processors = createProcessors(processes.length, cores);
  const processOf = (index: number) => processes[index] as SimulatedProcess;

  /** The first byte reaches the receiver's link, whose way in may still be taken. */
  function reach(message: Message, lastByte: number, now: number): void {
    const { to, floats } = message;
    const wire = (floats * bytesPerFloat) / processOf(to).link.bytesPerSecond;
    const arrived = Math.max(Math.max(inFree[to] as number, now) + wire, lastByte);
    inFree[to] = arrived;
    inBusy[to] = (inBusy[to] as number) + wire;
    queue.at(arrived, { kind: 'receive', message });
  }

  function receive(message: Message, now: number): void {
    const { to, isAdded, floats } = message;
    observe?.(message, 'arrived', now);
    const { processor } = processOf(to);
    const adding = isAdded ? floats * processor.secondsPerAddition : 0;
    const delivered = processors.work(to, now, copySeconds(message, processor) + adding);
    queue.at(delivered, { kind: 'deliver', message });
  }

  function deliver(message: Message, now: number): void {
    const { to, floats } = message;
    received[to] = (received[to] as number) + floats * bytesPerFloat;
    observe?.(message, 'delivered', now);
    onDelivered(message, now);
  }

  function happen(event: NetworkEvent, now: number): void {
    switch (event.kind) {
      case 'reach':
        reach(event.message, event.lastByte, now);
        break;
      case 'receive':
        receive(event.message, now);
        break;
      case 'deliver':
        deliver(event.message, now);
        break;
      case 'call':
        event.happen(now);
        break;
      default:
        event satisfies never;
    }
  }

  return {
    at: (seconds, happen) => queue.at(seconds, { kind: 'call', happen }),
    send(message, now) {
      const { from, floats } = message;
      observe?.(message, 'asked', now);
      const { link, processor } = processOf(from);
      // What waits for the processor waits in the order in which it will leave, so the way out needs no events of its own.
      const copied = processors.work(from, now, copySeconds(message, processor));
      const wire = (floats * bytesPerFloat) / link.bytesPerSecond;
      const leaves = Math.max(outFree[from] as number, copied);
      outFree[from] = leaves + wire;
      outBusy[from] = (outBusy[from] as number) + wire;
      sent[from] = (sent[from] as number) + floats * bytesPerFloat;
      observe?.(message, 'left', leaves + wire);
      const lastByte = leaves + wire + link.delaySeconds;
      queue.at(leaves + link.delaySeconds, { kind: 'reach', message, lastByte });
    },
    run() {
      queue.run(happen);
      return {
        sentBytes: sent,
        receivedBytes: received,
        outSeconds: outBusy,
        inSeconds: inBusy,
        processorSeconds: processors.busySeconds,
      };
    },
  };
}

function copySeconds({ floats, count }: Message, { secondsPerMessage, secondsPerByte }: ProcessorCosts): number {
  return count * secondsPerMessage + floats * bytesPerFloat * secondsPerByte;
}

/**
 * Processes do one thing at a time, and no more of them at a time than there are cores. What was begun is finished. A
 * process takes the core that was free last before it can begin, so that others find one that is free.
 */
function createProcessors(processes: number, cores: number | undefined) {
  const free = Array<number>(processes).fill(0);
  const busySeconds = Array<number>(processes).fill(0);
  const coresFree = Array<number>(cores ?? 0).fill(0);

  function takeCore(from: number, seconds: number): number {
    if (cores === undefined) return from + seconds;
    const begin = Math.max(from, Math.min(...coresFree));
    const core = coresFree.reduce(
      (best, at, index) => {
        return at <= begin && at > (coresFree[best] as number) ? index : best;
      },
      coresFree.indexOf(Math.min(...coresFree)),
    );
    coresFree[core] = begin + seconds;
    return begin + seconds;
  }

  return {
    busySeconds,
    /** @returns when the work is done */
    work(process: number, now: number, seconds: number): number {
      const done = takeCore(Math.max(free[process] as number, now), seconds);
      free[process] = done;
      busySeconds[process] = (busySeconds[process] as number) + seconds;
      return done;
    },
  };
}
