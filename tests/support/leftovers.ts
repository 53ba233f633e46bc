/** What tests may leave on a machine: processes and open ports, by the kernel's account. Nothing is found but on Linux. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Every process there is. */
export function processes(): ReadonlySet<string> {
  return new Set(entriesOf('/proc').filter((entry) => /^\d+$/.test(entry)));
}

/**
 * Processes, this one excepted, that were started with a variable of the environment as it is given: pid and command.
 * @param known processes that are not looked at
 */
export function processesWith(
  name: string,
  value: string,
  known: ReadonlySet<string> = new Set(),
): readonly { readonly pid: number; readonly command: string }[] {
  const pair = `${name}=${value}`;
  return [...processes()]
    .filter((pid) => !known.has(pid) && Number(pid) !== process.pid)
    .filter((pid) => textOf(`/proc/${pid}/environ`).split('\0').includes(pair))
    .map((pid) => ({ pid: Number(pid), command: textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }));
}

/** The sockets of this process, by the number that the kernel has given each. */
export function openSockets(): ReadonlySet<string> {
  const links = entriesOf('/proc/self/fd').map((descriptor) => linkOf(`/proc/self/fd/${descriptor}`));
  return new Set(links.flatMap((link) => link.match(/^socket:\[(\d+)\]$/)?.slice(1) ?? []));
}

/**
 * Local addresses, in hexadecimal as in /proc/net/tcp, on which this process listens with a socket that is not one of
 * `known`. The kernel goes through every connection of the machine to list them, which takes it 5 ms: the list is read
 * only when there are other sockets.
 */
export function listeningAddresses(known: ReadonlySet<string>): readonly string[] {
  const own = new Set([...openSockets()].filter((socket) => !known.has(socket)));
  if (own.size === 0) return [];
  const listening = '0A';
  return ['tcp', 'tcp6'].flatMap((protocol) =>
    textOf(`/proc/net/${protocol}`)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listening && own.has(fields[9] ?? ''))
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
