/** A `train` of local workers that its measurer kills, one after another. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { badInput } from '../../shared/core/errors.ts';
import { describeGiven } from '../../shared/core/given-value.ts';
import { type AuditWatch, watchAudit } from './audit-watch.ts';

export interface KilledRun {
  readonly job: ChildProcess;
  readonly watch: AuditWatch;
  /** Interrupts the run, and waits for its end. */
  end(): Promise<void>;
  /** Whatever has become of it. */
  kill(): void;
}

export const priceUsdPerHour = 0.35;

const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/**
 * Starts the default model's run on the wasm engine, and waits for its first step.
 * @param environment of its processes, beside this one's
 */
export async function startKilledRun(
  workers: number,
  out: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<KilledRun> {
  const job = spawn(
    process.execPath,
    [
      ...[program, 'train', '--workers', `1:${workers}`, '--restarts', '100000', '--epochs', '100000', '--out', out],
      ...['--price', String(priceUsdPerHour), '--metrics-port', '0', '--quiet', '--backend', 'wasm'],
    ],
    { stdio: 'ignore', env: { ...process.env, ...environment } },
  );
  const ended = new Promise<void>((resolve) => job.once('exit', () => resolve()));
  const kill = () => void job.kill('SIGKILL');
  try {
    const watch = await firstStep(job, join(out, 'samples.audit'));
    return {
      job,
      watch,
      async end() {
        watch.close();
        job.kill('SIGINT');
        await ended;
      },
      kill() {
        watch.close();
        kill();
      },
    };
  } catch (error) {
    kill();
    throw error;
  }
}

async function firstStep(job: ChildProcess, audit: string): Promise<AuditWatch> {
  while (!existsSync(audit) || statSync(audit).size === 0) {
    requireRunning(job);
    await sleep(20);
  }
  const watch = await watchAudit(audit);
  while (watch.steps() === 0) {
    requireRunning(job);
    await sleep(20);
  }
  return watch;
}

export function requireRunning({ exitCode, signalCode }: ChildProcess): void {
  if (exitCode !== null) throw badInput(`the run ended with code ${exitCode}`);
  if (signalCode !== null) throw badInput(`the run was ended by ${signalCode}`);
}

/** The local workers that there are now. */
export function workersOf({ pid }: ChildProcess): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
}

/** @throws bad-input, naming the flag */
export function positiveFlag(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw badInput(`--${name} must be a number above 0, got ${describeGiven(text)}`);
}
