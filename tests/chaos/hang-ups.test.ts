/** A terminal that closes: what was started to outlive it goes on, and what was not ends in order. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { needs } from '../support/machine-parts.ts';
import { childrenOf, isAlive, killAll, program, type Running, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openTerminal } from '../support/terminal.ts';

const folder = writeIdxFolder(1000, 100);
const common = ['--dataset', folder, '--timeout', '10', '--metrics-port', '0', '--model', 'softmax'];
const endless = [...common, '--epochs', '100000'];
const terminal = await needs('terminal');

/** Process ids that are left without a parent here when their terminal ends. */
const left = new Set<number>();
afterEach(() => {
  for (const pid of left) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  left.clear();
  killAll();
});

const epochsIn = (text: string) => text.match(/epoch \d+\/100000/g)?.length ?? 0;

/** Epochs end that had not ended yet. */
async function trainsOn(output: () => string): Promise<void> {
  const before = epochsIn(output());
  await eventually('more epochs', () => epochsIn(output()) > before + 2, 60_000);
}

/** A line of shell that becomes the command, so that its process id is that of the shell. */
const command = (args: readonly string[], before = '') =>
  `echo "pid $$"; exec ${[...(before === '' ? [] : [before]), process.execPath, program, ...args].join(' ')}`;

async function pidIn(job: { waitFor(pattern: RegExp): Promise<RegExpMatchArray> }): Promise<number> {
  const pid = Number((await job.waitFor(/pid (\d+)/))[1]);
  left.add(pid);
  return pid;
}

async function startCoordinator(): Promise<{ readonly coordinator: Running; readonly connect: readonly string[] }> {
  const coordinator = start(['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '1', ...endless]);
  const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
  return { coordinator, connect: ['--connect', endpoint, '--backend', 'wasm', '--id', 'far'] };
}

it('a run and a worker without a terminal go on when somebody hangs up', async () => {
  const { coordinator, connect } = await startCoordinator();
  const worker = start(['worker', ...connect]);
  await trainsOn(coordinator.output);
  for (const job of [coordinator, worker]) job.child.kill('SIGHUP');
  await trainsOn(coordinator.output);
  coordinator.child.kill('SIGINT');
  expect((await coordinator.exit).code).toBe(130);
  expect((await worker.exit).code).toBe(0);
});

terminal.it('a run under nohup goes on when its terminal is closed', async () => {
  const cwd = temporaryFolder();
  const out = join(cwd, 'run');
  const window = openTerminal(command(['train', '--backend', 'wasm', ...endless, '--out', out], 'nohup'), { cwd });
  const pid = await pidIn(window);
  // With a terminal as its output nohup writes to this file instead.
  const log = () => (existsSync(join(cwd, 'nohup.out')) ? readFileSync(join(cwd, 'nohup.out'), 'utf8') : '');
  await trainsOn(log);
  window.close();
  await trainsOn(log);
  process.kill(pid, 'SIGTERM');
  await eventually('the end of the run', () => !isAlive(pid));
  expect(readSummary(out).status).toBe('interrupted');
});

terminal.it(
  'a run in a terminal that is closed ends as by Ctrl-C: saved, summed up, and without its workers',
  async () => {
    const out = join(temporaryFolder(), 'run');
    const window = openTerminal(command(['train', '--backend', 'wasm', ...endless, '--out', out]));
    const pid = await pidIn(window);
    await trainsOn(window.output);
    const workers = childrenOf(pid);
    expect(workers).toHaveLength(2);
    window.close();
    await eventually('the end of the run', () => !isAlive(pid));
    const summary = readSummary(out);
    expect(summary).toMatchObject({ status: 'interrupted', replicas_identical: true });
    expect(summary.reason).toMatch(/^interrupted after step \d+; the checkpoint has it$/);
    expect(lastCheckpoint(out)).toMatch(new RegExp(`step-${summary.steps}$`));
    expect(existsSync(join(out, 'report.html'))).toBe(true);
    for (const worker of workers) expect(isAlive(worker)).toBe(false);
  },
);

terminal.it('a worker in a terminal that is closed leaves in order: the run is told why', async () => {
  const { coordinator, connect } = await startCoordinator();
  const window = openTerminal(command(['worker', ...connect]));
  const pid = await pidIn(window);
  await trainsOn(coordinator.output);
  window.close();
  const { code, stderr } = await coordinator.exit;
  expect(code).toBe(4);
  expect(stderr).toMatch(/worker far \(rank 0, .* left during \w+: interrupted: this worker leaves the run/);
  await eventually('the end of the worker', () => !isAlive(pid));
});
