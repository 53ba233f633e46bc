/** A coordinator with many members: real sockets, and members that compute nothing (`src/bench/scale/member.ts`). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { killAll, run, start, startedHere } from '../support/pennygrad.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const membersProgram = fileURLToPath(new URL('../../dist/bench/scale/members-process.js', import.meta.url));
const count = 64;

afterEach(killAll);

function startMembers(endpoint: string): ChildProcess {
  const child = spawn(process.execPath, [membersProgram, endpoint, '0', String(count), '0'], { stdio: 'inherit' });
  startedHere(child);
  return child;
}

/** The most memory that a process has had, in bytes, where the kernel tells. */
function peakOf({ pid }: ChildProcess): number {
  if (process.platform !== 'linux') return 0;
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

it.each([
  ['star', 20],
  ['mesh', 60],
] as const)(
  'trains with 64 members by the %s, in bounded memory, and applies every sample once',
  async (allReduce, steps) => {
    const out = join(temporaryFolder(), 'run');
    const training = ['--model', 'softmax', '--dataset', 'digits', '--steps', String(steps), '--all-reduce', allReduce];
    const coordinator = start([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', String(count), '--timeout', '100', '--out', out],
      ...[...training, '--last-scrape', '0', '--json'],
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:[^"]+)"/);
    const before = peakOf(coordinator.child);
    const members = startMembers(endpoint);
    const left = once(members, 'exit');
    await coordinator.waitFor(/"event":"epoch"/);
    // Links, what they last reported, and their gradients of 31 kB: 0.4 MB each where this was measured.
    expect((peakOf(coordinator.child) - before) / count).toBeLessThan(4e6);
    const { code, stderr } = await coordinator.exit;
    expect(code, stderr).toBe(0);
    expect((await left)[0]).toBe(0);
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ status: 'completed', steps, world_size: count });
    expect(await run(['audit', out])).toMatchObject({ code: 0 });
  },
);
