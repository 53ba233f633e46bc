/** Real processes that want the same run folder: one gets it, the others say whose it is, and a killed one has lost it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run, start } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const holderProgram = fileURLToPath(new URL('../support/hold-lock.mjs', import.meta.url));
const holders = new Set<ChildProcess>();

afterEach(() => {
  killAll();
  for (const child of holders) child.kill('SIGKILL');
  holders.clear();
});

interface Contender {
  readonly child: ChildProcess;
  /** The first thing it says. */
  readonly word: Promise<string>;
}

function contend(folder: string): Contender {
  const child = spawn(process.execPath, [holderProgram, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  holders.add(child);
  const word = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').once('data', (chunk: string) => resolve(chunk.trim()));
  });
  return { child, word };
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

it('of many that come at once one gets it, also where a killed one had it', async () => {
  const folder = temporaryFolder();
  for (let round = 0; round < 4; round++) {
    const contenders = Array.from({ length: 6 }, () => contend(folder));
    const words = await Promise.all(contenders.map(({ word }) => word));
    const winners = contenders.filter((_, index) => words[index] === 'held');
    expect(winners).toHaveLength(1);
    const [winner] = winners;
    if (winner === undefined) return;
    const refused = `${folder}: process ${winner.child.pid} on ${hostname()} is writing this run; `;
    for (const word of words.filter((said) => said !== 'held')) expect(word.startsWith(refused), word).toBe(true);
    await killed(winner.child);
  }
  expect(readdirSync(folder)).toEqual(['lock']);
});

it('a run that is being trained neither goes on nor begins elsewhere, until it is killed', async () => {
  const out = join(temporaryFolder(), 'run');
  const settings = ['--model', 'softmax', '--workers', '1', '--metrics-port', '0'];
  const job = start([
    ...['train', '--dataset', writeIdxFolder(200, 50), ...settings, '--epochs', '99999', '--out', out],
  ]);
  await job.waitFor(/epoch 3\/99999/);
  const { pid } = job.child;
  for (const again of [
    ['train', '--resume', out],
    ['train', '--dataset', writeIdxFolder(200, 50), ...settings, '--out', out],
  ]) {
    const { code, stdout, stderr } = await run(again);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      `pennygrad: ${out}: process ${pid} on ${hostname()} is writing this run; end it first, or name another folder\n`,
    );
    expect(code).toBe(2);
  }
  expect(job.child.exitCode).toBe(null);
  job.child.kill('SIGKILL');
  await job.exit;
  const resumed = start(['train', '--resume', out]);
  await resumed.waitFor(/resuming after step \d+\n[\s\S]*rank 0/);
  resumed.child.kill('SIGINT');
  expect((await resumed.exit).code).toBe(130);
  expect(readSummary(out).status).toBe('interrupted');
  expect(readdirSync(out).filter((name) => name.includes('lock'))).toEqual([]);
});
