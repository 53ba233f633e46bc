/**
 * One of the processes of a host that want the same result works, and the others wait for it. Measurements that run side by
 * side would disturb each other, and many workers may begin together.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../shared/core/clock.ts';
import { codeOf } from '../../shared/core/errors.ts';
import type { Timers } from '../../shared/core/timers.ts';
import { bestEffort } from '../../shared/files/atomic-files.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { makeFolder } from '../../shared/files/make-folder.ts';
import { isThere, parseProcess, thisProcess } from '../../shared/files/process-identity.ts';

const lookMs = 50;

export interface OneAtATime<Result> {
  /** Names the process that works. */
  readonly claim: string;
  /** The result, if it is there already. */
  readonly find: () => Result | undefined;
  readonly work: () => Promise<Result>;
  /** How long to wait for another process, in milliseconds. */
  readonly patienceMs: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly timers: Timers;
}

/** @returns undefined if another process worked for as long as this one would wait */
export async function oneAtATime<Result>(options: OneAtATime<Result>): Promise<Result | undefined> {
  const { claim, find, work, patienceMs, clock, timers } = options;
  const began = clock.now();
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (take(claim)) {
      try {
        // Whoever had the claim before may have just finished.
        return find() ?? (await work());
      } finally {
        release(claim);
      }
    }
    if ((clock.now() - began) * 1000 >= patienceMs) {
      // Its holder may be gone, on another host or before it could write its name. The next one need not wait for it.
      release(claim);
      return undefined;
    }
    await new Promise<void>((resolve) => timers.after(lookMs, resolve));
  }
}

/** @returns whether this process may work: it has the claim, or there can be none */
function take(claim: string): boolean {
  if (bestEffort(() => makeFolder(dirname(claim))) === undefined) return true;
  try {
    writeFileSync(claim, JSON.stringify(thisProcess()), { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return true;
    // Two that find a dead holder may both work then. That costs time and nothing else.
    if (isAbandoned(claim)) release(claim);
    return false;
  }
}

function release(claim: string): void {
  bestEffort(() => rmSync(claim, { force: true }));
}

/** Whether a holder on another host or in another container is alive cannot be told, so that one is waited for. */
function isAbandoned(claim: string): boolean {
  const holder = parseProcess(bestEffort(() => readBoundedText(claim, fileLimits.lock)) ?? '');
  return holder !== undefined && isThere(holder) === false;
}
