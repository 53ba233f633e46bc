/** Who holds a run folder: a process, named so that another one can tell whether it is still there. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

const holderSchema = z.object({
  host: z.string(),
  pid: z.int().positive(),
  /** In which `pid` counts; containers may share a host's name. */
  namespace: z.string(),
  /** When the process began, in the system's own words: process ids are given again. */
  started: z.string(),
});
export type LockHolder = z.infer<typeof holderSchema>;

/** Where the system does not say: a process that was given the id again then passes for its predecessor. */
const notSaid = '';

/** This process. */
export function thisProcess(): LockHolder {
  return {
    host: hostname(),
    pid: process.pid,
    namespace: ownNamespace(),
    started: startOf(process.pid) ?? notSaid,
  };
}

/** @returns undefined when the text is no holder's */
export function parseHolder(text: string): LockHolder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether the process is there; of one on another host, or in a container, nothing can be known from here. */
export function isThere({ host, pid, namespace, started }: LockHolder): boolean | 'unknown' {
  if (host !== hostname() || namespace !== ownNamespace()) return 'unknown';
  return started === notSaid ? takesSignals(pid) : startOf(pid) === started;
}

/**
 * Boot, and clock ticks from there: `boot_id`, and field 22 of `/proc/PID/stat`, where the name before it is in
 * parentheses and may have any in it. A zombie is gone: only its parent has not looked yet.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}-${fields[18]}`;
  } catch {
    return undefined;
  }
}

function ownNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return notSaid;
  }
}

function takesSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
