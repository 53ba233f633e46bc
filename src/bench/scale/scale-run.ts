/** One run of a real coordinator, with members that compute nothing; measured by the kernel's account of its process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createAsyncQueue } from '../../shared/core/async-queue.ts';
import { badInput } from '../../shared/core/errors.ts';
import { evenShares } from '../../shared/core/sampling.ts';
import { type AuditWatch, watchAudit } from '../failures/audit-watch.ts';
import { requireRunning } from '../failures/killed-run.ts';
import { processorSecondsOf, useOf } from '../failures/process-use.ts';

export interface ScaleRunOptions {
  readonly members: number;
  /** Processes that the members are in. */
  readonly processes: number;
  readonly allReduce: 'star' | 'mesh';
  /** How many steps a second the members do at most; 0: as many as they can. */
  readonly stepsPerSecond: number;
  /** Steps before the measurement begins, in which V8 compiles what runs often. */
  readonly warmUpSteps: number;
  /** How long it is measured. */
  readonly seconds: number;
  /** A folder for the run that does not exist. */
  readonly out: string;
  /** Options of Node for the coordinator's process, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
}

export interface ScaleFigures {
  /** From the first member's hello to the first generation. */
  readonly rendezvousSeconds: number;
  readonly steps: number;
  readonly seconds: number;
  /** Processor time of the coordinator's process, of all its threads, while these steps were done. */
  readonly cpuSeconds: number;
  /** Resident memory of the coordinator's process: as it waits for its members, and at the end of the measurement. */
  readonly emptyBytes: number;
  readonly fullBytes: number;
}

const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const membersProgram = fileURLToPath(new URL('./members-process.js', import.meta.url));

/** In seconds. A machine that has much else to do gives a thousand members their turns slowly. */
const timeoutSeconds = 900;

/** For a checkpoint and a goodbye to all members. */
const exitMs = 20_000;

/** @throws bad-input when the run ends early */
export async function measureScale(options: ScaleRunOptions): Promise<ScaleFigures> {
  const { members, processes, stepsPerSecond, out, seconds, warmUpSteps } = options;
  const children: ChildProcess[] = [];
  let watch: AuditWatch | undefined;
  try {
    const coordinator = startCoordinator(options);
    children.push(coordinator);
    const log = followLog(coordinator);
    const [, endpoint = ''] = await log.next(/--connect (\S+?)"/);
    const emptyBytes = useOf(coordinator.pid as number).rssBytes;
    for (const { from, to } of evenShares({ from: 0, to: members }, processes)) {
      const args = [membersProgram, endpoint, from, to - from, stepsPerSecond].map(String);
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      child.once('exit', () => log.fail(badInput('a process of members ended before the run was measured')));
      children.push(child);
    }
    await log.next(/"event":"worker_joined"/);
    const joinedAt = performance.now();
    await log.next(/"event":"generation"/);
    const rendezvousSeconds = (performance.now() - joinedAt) / 1000;
    watch = await watchAudit(join(out, 'samples.audit'));
    while (watch.steps() < warmUpSteps) {
      children.forEach(requireRunning);
      await sleep(20);
    }
    const [stepsBefore, cpuBefore, began] = [
      watch.steps(),
      processorSecondsOf(coordinator.pid as number),
      performance.now(),
    ];
    await sleep(seconds * 1000);
    children.forEach(requireRunning);
    return {
      rendezvousSeconds,
      steps: watch.steps() - stepsBefore,
      seconds: (performance.now() - began) / 1000,
      cpuSeconds: processorSecondsOf(coordinator.pid as number) - cpuBefore,
      emptyBytes,
      fullBytes: useOf(coordinator.pid as number).rssBytes,
    };
  } finally {
    watch?.close();
    for (const child of children) await ended(child);
  }
}

function startCoordinator({ members, allReduce, out, nodeOptions = [] }: ScaleRunOptions): ChildProcess {
  return spawn(
    process.execPath,
    [
      ...[...nodeOptions, program, 'coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', String(members)],
      ...['--model', 'softmax', '--dataset', 'digits', '--batch-size', String(Math.max(64, members))],
      ...['--epochs', '100000', '--all-reduce', allReduce, '--timeout', String(timeoutSeconds), '--out', out],
      ...['--metrics-port', '0', '--last-scrape', '0', '--json'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

/** The lines that a process prints, one after another. */
function followLog({ stdout }: ChildProcess) {
  // All that it prints is read at once: it must never wait for room in the pipe.
  const lines = createAsyncQueue<string>();
  createInterface({ input: stdout as NonNullable<ChildProcess['stdout']> })
    .on('line', lines.push)
    .on('close', () => lines.fail(badInput('the coordinator ended before it was measured')));
  return {
    /** Ends every wait. */
    fail: lines.fail,
    /** @returns the first match in a line that has not been looked at. @throws bad-input if the process ends without one */
    async next(pattern: RegExp): Promise<RegExpMatchArray> {
      for (;;) {
        const match = (await lines.next()).match(pattern);
        if (match !== null) return match;
      }
    },
  };
}

/** The coordinator tells the members to leave. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGKILL'), exitMs);
  await exit;
  clearTimeout(timer);
}
