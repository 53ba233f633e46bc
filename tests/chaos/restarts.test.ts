/** Local workers that die, of a parent that may die as well. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { childrenOf, isAlive, killAll, start, startedHere } from '../support/pennygrad.ts';

const support = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url));

afterEach(killAll);

it('a worker that was started again ends with its parent, as its first life would have', async () => {
  const parent = spawn(process.execPath, [support('restarting-parent.mjs'), support('mortal-worker.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  startedHere(parent);
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  const nextPid = async (): Promise<number> => JSON.parse((await lines.next()).value).pid;
  const first = await nextPid();
  process.kill(first, 'SIGKILL');
  const second = await nextPid();
  expect(isAlive(second)).toBe(true);
  expect(childrenOf(parent.pid ?? 0)).toEqual([second]);
  parent.kill('SIGKILL');
  await eventually('the worker ends with its parent', () => !isAlive(second));
});

it('train says that a worker that was killed is started again, and how often it may be', async () => {
  const common = ['--dataset', writeIdxFolder(2000, 200), '--model', 'softmax', '--metrics-port', '0'];
  const job = start(['train', ...common, '--epochs', '100000', '--restarts', '2']);
  await job.waitFor(/epoch 1\b/i);
  const [worker = 0] = childrenOf(job.child.pid ?? 0);
  process.kill(worker, 'SIGKILL');
  await job.waitFor(/\bw[01] was killed by SIGKILL; started again in 0\.1 s \(1 restart left\)/);
});

it('train --json tells machines who was lost, what that cost, and who trains on', async () => {
  const common = ['--dataset', writeIdxFolder(2000, 200), '--model', 'softmax', '--metrics-port', '0', '--json'];
  const job = start(['train', ...common, '--epochs', '100000', '--worker', 'id=stays', '--worker', 'id=dies']);
  await job.waitFor(/"event":"epoch"/);
  const first = readLines(job.output());
  const begun = first.find(({ event }) => event === 'generation');
  expect(begun?.workers?.map(({ worker_id, rank }) => [worker_id, rank])).toEqual([
    ['dies', 0],
    ['stays', 1],
  ]);
  process.kill(begun?.workers?.[0]?.pid ?? 0, 'SIGKILL');
  await job.waitFor(/"event":"interruption".*\n/);
  job.child.kill('SIGINT');
  await job.exit;
  const lines = readLines(job.output());
  const of = (name: string) => lines.filter(({ event }) => event === name);
  expect(of('worker_lost')).toMatchObject([{ worker_id: 'dies', cause: 'killed' }]);
  const [interruption] = of('interruption');
  expect(interruption).toMatchObject({ worker_id: 'dies', reason: 'killed', lost_steps: 0 });
  expect(interruption?.recovery_seconds).toBeGreaterThan(0);
  expect(
    of('generation')
      .map(({ generation }) => generation)
      .slice(0, 2),
  ).toEqual([1, 2]);
});

interface Line {
  readonly event: string;
  readonly generation?: number;
  readonly workers?: readonly { readonly worker_id: string; readonly rank: number; readonly pid: number }[];
  readonly recovery_seconds?: number;
}

function readLines(output: string): readonly Line[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}
