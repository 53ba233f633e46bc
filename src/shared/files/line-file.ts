/**
 * A file that grows line by line, on a disk that may be full for a while. What cannot be written waits in memory and is
 * written, in order, as soon as there is room: a run does not end in the middle of a step for want of a line.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { codeOf, messageOf, PennygradError } from '../core/errors.ts';

export interface LineFile {
  /**
   * Appends text at once, if the disk takes it.
   * @param text whole lines
   * @param isInterim what is appended next says the same and more: while this waits, that replaces it
   * @param isPassing what is appended next replaces it in the file, too
   */
  append(text: string, isInterim?: boolean, isPassing?: boolean): void;
  /** Tries again to write what waits. @throws run-failed naming the file if some of it still cannot be written */
  flush(): void;
  /** What the system said last; undefined while nothing waits. */
  readonly failure: PennygradError | undefined;
  /** Bytes of lines that were dropped so far, because too many waited. */
  readonly lostBytes: number;
}

export interface LineFileOptions {
  /** How many bytes may wait. */
  readonly mostBytes?: number | undefined;
  /** What is dropped when too many bytes wait: lines that say nothing without the ones before them lose the newest. */
  readonly drops?: 'oldest' | 'newest';
}

/** A step's line has about 400 bytes, so that this holds 40,000 steps. */
const mostWaitingBytes = 16 * 2 ** 20;

/** Lines that wait are put together up to this size: by itself, a line of two bytes would take a hundred. */
const pieceBytes = 2 ** 16;

interface Waiting {
  readonly bytes: Buffer;
  readonly isInterim: boolean;
  readonly isPassing: boolean;
}

export function createLineFile(
  path: string,
  { mostBytes = mostWaitingBytes, drops = 'oldest' }: LineFileOptions = {},
): LineFile {
  let waiting: Waiting[] = [];
  /** Bytes of the first one that are in the file already. */
  let begun = 0;
  let lostBytes = 0;
  let failure: PennygradError | undefined;
  /** Where the text begins that the next one replaces, if the last one is such a text. */
  let passingFrom: number | undefined;
  const waitingBytes = () => waiting.reduce((sum, { bytes }) => sum + bytes.length, -begun);
  // What is dropped is dropped by the piece.
  const mostJoined = Math.min(pieceBytes, mostBytes / 4);

  /** What the file has a part of has to stay, or the next line would continue it. */
  function keep(isKept: (item: Waiting) => boolean): void {
    waiting = waiting.filter((item, index) => (index === 0 && begun > 0) || isKept(item));
  }

  function dropOldest(): void {
    let excess = waitingBytes() - mostBytes;
    keep(({ bytes }) => {
      if (excess <= 0) return true;
      excess -= bytes.length;
      lostBytes += bytes.length;
      return false;
    });
  }

  /** A disk that is full takes a part of what is written to it. */
  function writeWaiting(): void {
    const file = openSync(path, 'a');
    try {
      for (let [first] = waiting; first !== undefined; [first] = waiting) {
        if (begun === 0) makeRoom(file, first.isPassing);
        begun += writeSync(file, first.bytes, begun);
        if (begun < first.bytes.length) continue;
        waiting.shift();
        begun = 0;
      }
    } finally {
      closeSync(file);
    }
  }

  /** Whoever is killed between this and the next write has lost what was to be replaced. */
  function makeRoom(file: number, isPassing: boolean): void {
    if (passingFrom !== undefined) ftruncateSync(file, passingFrom);
    passingFrom = isPassing ? fstatSync(file).size : undefined;
  }

  function tryToWrite(): void {
    failure = undefined;
    try {
      if (waiting.length > 0) writeWaiting();
    } catch (error) {
      if (codeOf(error) === '') throw error;
      failure = cannotWrite(path, error);
    }
  }

  function add(bytes: Buffer, isInterim: boolean, isPassing: boolean): void {
    const last = waiting.at(-1);
    const isJoined =
      last !== undefined && !last.isInterim && !isInterim && last.bytes.length + bytes.length <= mostJoined;
    if (isJoined) waiting[waiting.length - 1] = { bytes: Buffer.concat([last.bytes, bytes]), isInterim, isPassing };
    else waiting.push({ bytes, isInterim, isPassing });
  }

  return {
    append(text, isInterim = false, isPassing = false) {
      keep((item) => !item.isInterim);
      const bytes = Buffer.from(text);
      if (drops === 'newest' && waitingBytes() + bytes.length > mostBytes) {
        tryToWrite();
        if (failure !== undefined) {
          lostBytes += bytes.length;
          return;
        }
      }
      add(bytes, isInterim, isPassing);
      tryToWrite();
      if (failure !== undefined && drops === 'oldest') dropOldest();
    },
    flush() {
      tryToWrite();
      if (failure !== undefined) throw failure;
    },
    get failure() {
      return failure;
    },
    get lostBytes() {
      return lostBytes;
    },
  };
}

/** @param error what the system says */
export function cannotWrite(file: string, error: unknown): PennygradError {
  return new PennygradError('run-failed', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
}

/** @param lostBytes that were dropped because too many waited */
export function describeLost(lostBytes: number): string {
  return lostBytes === 0 ? '' : `, without ${lostBytes} bytes of lines that were too many to wait`;
}
