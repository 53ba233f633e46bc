/** A process, described in a file that it writes so that another process can tell whether it is still alive. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { codeOf } from '../core/errors.ts';

const identitySchema = z.object({
  host: z.string(),
  pid: z.int().positive(),
  /** The PID namespace in which `pid` is valid; containers may share a host name. */
  namespace: z.string(),
  /** When the process started, as the system writes it, because process ids are reused. */
  started: z.string(),
});
export type ProcessIdentity = z.infer<typeof identitySchema>;

/** Used where the system gives no start time; a process that reuses the id then passes for this one. */
const notSaid = '';

/** This process. */
export function thisProcess(): ProcessIdentity {
  return {
    host: hostname(),
    pid: process.pid,
    namespace: ownNamespace(),
    started: startOf(process.pid) ?? notSaid,
  };
}

/** @returns undefined when the text does not describe a process */
export function parseProcess(text: string): ProcessIdentity | undefined {
  try {
    return identitySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether the process is alive. Nothing can be said of a process on another host or in another container. */
export function isThere({ host, pid, namespace, started }: ProcessIdentity): boolean | 'unknown' {
  if (host !== hostname() || namespace !== ownNamespace()) return 'unknown';
  return started === notSaid ? takesSignals(pid) : startOf(pid) === started;
}

/**
 * The boot and the clock ticks since then: `boot_id`, and field 22 of `/proc/PID/stat`. The process name before it is in
 * parentheses and may itself contain parentheses. A zombie counts as gone.
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
    // It exists but belongs to another user.
    return codeOf(error) === 'EPERM';
  }
}
