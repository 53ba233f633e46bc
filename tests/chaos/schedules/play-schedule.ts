/** Plays a schedule with a coordinator and its workers, each a process of its own, and checks what must hold afterwards. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readAudit, readEvidence } from '../../../src/run-folder/audit/read-audit.ts';
import { verifyAudit } from '../../../src/run-folder/audit/verify-audit.ts';
import { fallen, readLedgerRows } from '../../support/ledger-lines.ts';
import { type Running, start } from '../../support/pennygrad.ts';
import { readSummary } from '../../support/run-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import type { Deed, Schedule } from './schedule.ts';

export interface Setting {
  /** A folder of IDX files, and how many training images it has. */
  readonly dataset: string;
  readonly images: number;
  readonly epochs: number;
  readonly batch: number;
}

/** A frozen worker is lost after half of it. */
const timeout = 10;

/** @throws where the run does not end as it should */
export async function playSchedule(schedule: Schedule, setting: Setting): Promise<void> {
  const out = join(temporaryFolder(), 'run');
  const { workers, onLoss, beginWith } = schedule;
  const coordinator = start([
    ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', `${workers.min}:${workers.max}`],
    ...['--on-loss', onLoss, '--timeout', String(timeout), '--out', out, '--price', '3.6', '--metrics-port', '0'],
    ...['--dataset', setting.dataset, '--epochs', String(setting.epochs), '--batch-size', String(setting.batch)],
    ...['--model', 'mlp'],
  ]);
  const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
  const started: Running[] = [];
  const joinOne = () => {
    const worker = ['worker', '--connect', endpoint, '--id', `w${started.length}`, '--backend', 'wasm'];
    started.push(start([...worker, '--timeout', String(timeout)]));
  };
  for (let i = 0; i < beginWith; i++) joinOne();
  await coordinator.waitFor(/epoch 1\b/i);

  const began = performance.now();
  const thawing: Promise<void>[] = [];
  for (const deed of schedule.deeds) {
    await sleep(Math.max(0, deed.atMs - (performance.now() - began)));
    if (deed.kind === 'join') joinOne();
    else act(deed, started[deed.worker], thawing);
  }
  const { code, stdout, stderr } = await coordinator.exit;
  await Promise.all(thawing);
  const exits = await Promise.all(started.map(({ exit }) => exit));
  expect(code, stdout + stderr).toBe(0);
  await expectWhole(out, setting);
  // Whoever was not killed has left with a code that says why.
  for (const { code: left, signal } of exits) expect([0, 4, null]).toContain(signal === null ? left : null);
}

function act(deed: Exclude<Deed, { kind: 'join' }>, worker: Running | undefined, thawing: Promise<void>[]): void {
  const child = worker?.child;
  if (child === undefined || child.exitCode !== null) return;
  switch (deed.kind) {
    case 'kill':
      child.kill('SIGKILL');
      break;
    case 'drain':
      child.kill(deed.signal);
      break;
    case 'freeze':
      child.kill('SIGSTOP');
      thawing.push(sleep(deed.forMs).then(() => void child.kill('SIGCONT')));
      break;
    default:
      deed satisfies never;
  }
}

/** Every sample of every epoch counts once, in the audit and in the summary; all replicas are equal; no account falls. */
async function expectWhole(out: string, { images, epochs, batch }: Setting): Promise<void> {
  const steps = epochs * Math.ceil(images / batch);
  expect(readSummary(out)).toMatchObject({ status: 'completed', steps, replicas_identical: true });
  const report = verifyAudit(await readAudit(out), readEvidence(out));
  expect(report).toMatchObject({ proved: true, problems: [], steps });
  expect(report.epochs.map(({ once }) => once)).toEqual(Array(epochs).fill(images));
  expect(fallen(readLedgerRows(out))).toEqual([]);
}
