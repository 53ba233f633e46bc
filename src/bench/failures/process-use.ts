/** What a process and a folder use, by the kernel's account. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface ProcessUse {
  readonly rssBytes: number;
  readonly handles: number;
  readonly sockets: number;
  readonly threads: number;
}

export function useOf(pid: number): ProcessUse {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))?.[1]);
  const handles = readdirSync(`/proc/${pid}/fd`);
  const isSocket = (handle: string) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${handle}`).startsWith('socket:');
    } catch {
      // It was closed since.
      return false;
    }
  };
  return {
    rssBytes: 1024 * field('VmRSS'),
    handles: handles.length,
    sockets: handles.filter(isSocket).length,
    threads: field('Threads'),
  };
}

/** Processor time of a process, all of its threads together. The kernel counts in hundredths of a second. */
export function processorSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name in brackets, which may have spaces: fields 14 and 15 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Files in a folder and all below it, and their bytes. */
export function filesIn(folder: string): { readonly count: number; readonly bytes: number } {
  let [count, bytes] = [0, 0];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) continue;
    count += 1;
    // Checkpoints come and go.
    bytes += lstatSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return { count, bytes };
}
