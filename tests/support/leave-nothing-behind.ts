/**
 * Runs before every test file: gives it a temporary folder of its own, which the processes that it starts inherit, and
 * fails it when it leaves a file there, a process or an open port.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, inject } from 'vitest';
import { eventually } from './eventually.ts';
import { listeningAddresses, openSockets, processes, processesWith } from './leftovers.ts';
import { leftFiles } from './temporary-folder.ts';

/** What was told to end may need a while on a busy machine. */
const patienceMs = 10_000;

const before = process.env.TMPDIR;
const folder = mkdtempSync(join(inject('temporaryRoot'), 'file-'));
process.env.TMPDIR = folder;
const socketsBefore = openSockets();
const processesBefore = processes();

// The first hook to be registered is the last of its kind to run.
afterAll(async () => {
  const stayed = await whatStays(() => processesWith('TMPDIR', folder, processesBefore));
  for (const { pid } of stayed) process.kill(pid, 'SIGKILL');
  const ports = await whatStays(() => listeningAddresses(socketsBefore));
  const files = leftFiles(folder);
  rmSync(folder, { recursive: true, force: true });
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  const left = [
    ...stayed.map(({ pid, command }) => `process ${pid}: ${command}`),
    ...ports.map((address) => `port ${address} is open`),
    ...files.map((name) => `${name} in the temporary folder`),
  ];
  if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
}, 3 * patienceMs);

/** Nobody tells when a process of a process, or a socket of a library's thread, is gone. */
async function whatStays<Item>(look: () => readonly Item[]): Promise<readonly Item[]> {
  let found: readonly Item[] = [];
  const nothing = () => {
    found = look();
    return found.length === 0;
  };
  await eventually('nothing is left', nothing, patienceMs).catch(() => {});
  return found;
}
