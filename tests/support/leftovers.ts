/** What tests may leave on a machine: processes and open ports, by the kernel's account. Nothing is found but on Linux. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Processes, this one excepted, that were started with a variable of the environment as it is given: pid and command. */
export function processesWith(
  name: string,
  value: string,
): readonly { readonly pid: number; readonly command: string }[] {
  const pair = `${name}=${value}`;
  return entriesOf('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => textOf(`/proc/${pid}/environ`).split('\0').includes(pair))
    .map((pid) => ({ pid: Number(pid), command: textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }));
}

/** Local addresses, in hexadecimal as in /proc/net/tcp, on which this process listens. */
export function listeningAddresses(): readonly string[] {
  const own = new Set(
    entriesOf('/proc/self/fd').map(
      (descriptor) => linkOf(`/proc/self/fd/${descriptor}`).match(/^socket:\[(\d+)\]$/)?.[1],
    ),
  );
  const listening = '0A';
  return ['tcp', 'tcp6'].flatMap((protocol) =>
    textOf(`/proc/net/${protocol}`)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listening && own.has(fields[9]))
      .map((fields) => fields[1] ?? ''),
  );
}

// Processes and descriptors may be gone between one look and the next.

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
