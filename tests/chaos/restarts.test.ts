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
