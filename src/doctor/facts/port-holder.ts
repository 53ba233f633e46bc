/** Finds the process that listens on a port, from Linux's /proc. Other users' processes are not visible there. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

export function findPortHolder(port: number): PortHolder | undefined {
  try {
    const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFileSync(file, 'utf8'));
    const sockets = new Set(
      tables.flatMap((table) => listeningSockets(table, port)).map((inode) => `socket:[${inode}]`),
    );
    const pid = readdirSync('/proc').find(
      (entry) => /^\d+$/.test(entry) && openFiles(entry).some((f) => sockets.has(f)),
    );
    return pid === undefined ? undefined : { pid: Number(pid), command: commandOf(pid) };
  } catch {
    return undefined;
  }
}

/** The inodes of the sockets that listen on a port, from the text of /proc/net/tcp or tcp6. */
export function listeningSockets(table: string, port: number): readonly string[] {
  const listening = '0A';
  return table.split('\n').flatMap((line) => {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
    const cells = line.trim().split(/\s+/);
    const [local, state, inode] = [cells[1], cells[3], cells[9]];
    return state === listening && inode !== undefined && Number.parseInt(local?.split(':')[1] ?? '', 16) === port
      ? [inode]
      : [];
  });
}

function openFiles(pid: string): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  return orNone(() => readdirSync(folder)).flatMap((fd) => orNone(() => [readlinkSync(`${folder}/${fd}`)]));
}

/** No files if reading fails: for another user's process, or for a process that has just ended. */
function orNone(read: () => readonly string[]): readonly string[] {
  try {
    return read();
  } catch {
    return [];
  }
}

/** The command line, shortened. It may contain anything, so control characters are replaced. */
function commandOf(pid: string): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
  return words.length > 80 ? `${words.slice(0, 79)}…` : words;
}
