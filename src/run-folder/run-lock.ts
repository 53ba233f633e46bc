/**
 * Lets only one process write a run folder. The lock is the folder `lock` in it, with one file that describes the holder.
 * It is made under another name and renamed to `lock`, which succeeds for one process only, while `lock` does not exist
 * or is empty. A dead holder's file is removed by its own name, so that no process removes the file of a later holder.
 *
 * A holder that stands still for long may be taken for dead. When it wakes, its file is gone: it finds that out before it
 * writes anything, and ends.
 */
import { readdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { badInput, codeOf, messageOf, PennygradError } from '../shared/core/errors.ts';
import { readBoundedText } from '../shared/files/bounded-file.ts';
import { fileLimits } from '../shared/files/file-limits.ts';
import { makeFolder } from '../shared/files/make-folder.ts';
import { isThere, type ProcessIdentity, parseProcess, thisProcess } from '../shared/files/process-identity.ts';

export interface RunLock {
  /** @throws `RunTakenOver` once another process has the lock. To be called before whatever must not be written then. */
  requireHeld(): void;
  /** Aborted with a `RunTakenOver` once another process has the lock. */
  readonly lost: AbortSignal;
  /** Lets others write the folder. Removes the folders that were made for the lock and are empty. May be called twice. */
  release(): void;
}

/** Another process writes the run folder now. */
export class RunTakenOver extends PennygradError {
  constructor(folder: string) {
    super('run-failed', `${folder}: another process has taken this run over; this one ends and writes nothing more`);
    this.name = 'RunTakenOver';
  }
}

export interface LockPace {
  /** How often a holder touches its file. */
  readonly touchMs: number;
  /** How long another host watches whether the file is touched. This way no two clocks are compared. */
  readonly watchMs: number;
}

const usualPace: LockPace = { touchMs: 2_000, watchMs: 10_000 };

export interface LockOptions {
  /** Called when a holder on another host is watched, with the seconds that takes. */
  readonly onWatch: (holder: ProcessIdentity, seconds: number) => void;
  /** Ctrl-C: watches no longer. */
  readonly signal: AbortSignal;
  readonly pace?: LockPace;
}

const draftPrefix = '.lock-';

/** Whether a name in a run folder belongs to the lock rather than to the run. */
export function isLockName(name: string): boolean {
  return name === 'lock' || name.startsWith(draftPrefix);
}

/** A holder on another host counts as alive for as long after its last touch. Clocks of hosts may differ a little. */
const touchedLatelyMs = 60_000;

/**
 * Whether a process writes a run folder now: `held`; `left` if the holder is gone without having released the lock. Takes
 * nothing and waits for nobody, so of another host's process it only says whether it touched the lock lately.
 */
export function lockStateOf(folder: string, nowUnixMs: number): 'held' | 'left' | 'none' {
  const lock = join(folder, 'lock');
  try {
    const states = namesIn(lock).flatMap((name) => isHolderThere(join(lock, name), nowUnixMs) ?? []);
    return states.includes(true) ? 'held' : states.length > 0 ? 'left' : 'none';
  } catch {
    // What cannot be read says nothing.
    return 'none';
  }
}

/** @returns undefined when the file is gone */
function isHolderThere(file: string, nowUnixMs: number): boolean | undefined {
  const text = ifThere(() => readBoundedText(file, fileLimits.lock));
  const touchedMs = ifThere(() => statSync(file).mtimeMs);
  if (text === undefined || touchedMs === undefined) return undefined;
  const holder = parseProcess(text);
  const there = holder !== undefined && isThere(holder);
  return there === 'unknown' ? nowUnixMs - touchedMs < touchedLatelyMs : there;
}

/**
 * Takes the lock, unless a living process holds it.
 * @throws bad-input naming the process that writes the folder, or when the folder cannot be made; interrupted
 */
export async function lockRun(folder: string, { onWatch, signal, pace = usualPace }: LockOptions): Promise<RunLock> {
  const me = thisProcess();
  const name = [me.host, me.pid, me.started].join('-');
  const [lock, draft] = [join(folder, 'lock'), join(folder, `${draftPrefix}${name}`)];
  const made = makeDraft(folder, draft, name, me);
  try {
    while (!tryRename(draft, lock)) await removeGoneHolders(folder, lock, { onWatch, signal, pace });
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (error instanceof PennygradError) throw error;
    if (signal.aborted) throw new PennygradError('interrupted', 'interrupted before training began');
    throw badInput(`${lock}: cannot be taken: ${messageOf(error)}`, error);
  }
  const mine = join(lock, name);
  const losing = new AbortController();
  let touchedAt = Date.now();
  function look(): void {
    touchedAt = Date.now();
    if (held && !touch(mine)) losing.abort(new RunTakenOver(folder));
  }
  const touching = setInterval(look, pace.touchMs).unref();
  let held = true;
  return {
    lost: losing.signal,
    requireHeld() {
      // Whoever touched its file less than that ago has not been taken for dead.
      if (Math.abs(Date.now() - touchedAt) >= pace.touchMs / 2) look();
      losing.signal.throwIfAborted();
    },
    release() {
      if (!held) return;
      held = false;
      clearInterval(touching);
      rmSync(mine, { force: true });
      removeEmpty(lock);
      for (const folder of made.toReversed()) removeEmpty(folder);
    },
  };
}

/** @returns the folders that had to be made, the run folder last */
function makeDraft(folder: string, draft: string, name: string, me: ProcessIdentity): readonly string[] {
  try {
    const made = makeFolder(folder);
    makeFolder(draft);
    writeFileSync(join(draft, name), JSON.stringify(me));
    return made;
  } catch (error) {
    throw badInput(`--out ${folder}: cannot make the run folder: ${messageOf(error)}`, error);
  }
}

/** @returns false when another process holds `lock` */
function tryRename(draft: string, lock: string): boolean {
  // Some systems do not rename onto an empty folder.
  removeEmpty(lock);
  try {
    renameSync(draft, lock);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) return false;
    // The code on Windows.
    if (codeOf(error) === 'EPERM' && namesIn(lock).length > 0) return false;
    throw error;
  }
}

async function removeGoneHolders(folder: string, lock: string, options: Required<LockOptions>): Promise<void> {
  for (const file of namesIn(lock).map((name) => join(lock, name))) {
    const text = ifThere(() => readBoundedText(file, fileLimits.lock));
    if (text === undefined) continue;
    const holder = parseProcess(text);
    if (holder !== undefined && (await holds(holder, file, options))) {
      throw badInput(
        `${folder}: process ${holder.pid} on ${holder.host} is writing this run; end it first, or name another folder`,
      );
    }
    rmSync(file, { force: true });
  }
}

async function holds(
  holder: ProcessIdentity,
  file: string,
  { onWatch, signal, pace: { watchMs } }: Required<LockOptions>,
): Promise<boolean> {
  const there = isThere(holder);
  if (there !== 'unknown') return there;
  const touchedAt = () => ifThere(() => statSync(file).mtimeMs);
  const before = touchedAt();
  onWatch(holder, watchMs / 1000);
  await sleep(watchMs, undefined, { signal });
  const after = touchedAt();
  return after !== undefined && after !== before;
}

/** @returns false when the file is gone */
function touch(file: string): boolean {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch (error) {
    // A disk that fails for a while takes the lock from nobody.
    return codeOf(error) !== 'ENOENT';
  }
  return true;
}

function namesIn(folder: string): readonly string[] {
  return ifThere(() => readdirSync(folder)) ?? [];
}

/** Other processes may change or remove the folder at any moment. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw error;
  }
}

/** @returns undefined when the file is gone */
function ifThere<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
