/** The processes of a schedule: a coordinator, whoever succeeds it, and all workers that were ever started. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from '../../support/free-port.ts';
import { type Running, start } from '../../support/pennygrad.ts';

export interface StartedWorker {
  readonly id: string;
  readonly job: Running;
  /** Tells it to flip a bit after one of its next updates. */
  flip(order: { readonly parameter: number; readonly bit: number; readonly every: number }): void;
}

export interface Fleet {
  readonly workers: StartedWorker[];
  readonly coordinators: Running[];
  coordinator(): Running;
  /** @param flags besides the address */
  startCoordinator(...flags: readonly string[]): Running;
  startWorker(): StartedWorker;
  /** What all coordinators have printed. */
  output(): string;
  kill(): void;
}

/** How long a worker looks for a coordinator at first. */
const patienceSeconds = '300';

const bitFlips = pathToFileURL(join(import.meta.dirname, '../../support/bit-flips.mjs')).href;

/** @param folder for temporary files of all of them @param stepMs how long a worker waits after each update */
export async function createFleet(folder: string, stepMs: number): Promise<Fleet> {
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  const workers: StartedWorker[] = [];
  const coordinators: Running[] = [];

  function coordinator(): Running {
    const last = coordinators.at(-1);
    if (last === undefined) throw new Error('no coordinator was started');
    return last;
  }

  return {
    workers,
    coordinators,
    coordinator,
    startCoordinator(...flags) {
      const job = start(['coordinator', '--bind', endpoint, ...flags], { cwd: folder, env: { TMPDIR: folder } });
      coordinators.push(job);
      return job;
    },
    startWorker() {
      const id = `w${workers.length}`;
      const order = join(folder, `${id}.flip`);
      const env = {
        TMPDIR: folder,
        NODE_OPTIONS: `--import ${bitFlips}`,
        TEST_STEP_MS: String(stepMs),
        TEST_BIT_FLIP: order,
      };
      const flags = ['--connect', endpoint, '--id', id, '--backend', 'wasm', '--timeout', patienceSeconds];
      const job = start(['worker', ...flags], { cwd: folder, env });
      const worker: StartedWorker = {
        id,
        job,
        flip(what) {
          writeFileSync(order, JSON.stringify(what));
          job.child.kill('SIGUSR2');
        },
      };
      workers.push(worker);
      return worker;
    },
    output: () => coordinators.map((job) => job.output()).join(''),
    kill() {
      for (const { child } of [...coordinators, ...workers.map(({ job }) => job)]) child.kill('SIGKILL');
    },
  };
}
