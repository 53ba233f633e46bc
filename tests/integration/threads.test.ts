/** Workers of several threads, in processes of their own. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { needs } from '../support/machine-parts.ts';
import { childrenOf, installedEngines, isAlive, killAll, run, start } from '../support/pennygrad.ts';
import { lastParameters, maxDifference, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = writeIdxFolder(333, 60);

afterEach(killAll);

function trainArguments(out: string, ...args: readonly string[]): readonly string[] {
  return [
    ...['train', '--dataset', folder, '--backend', 'wasm', '--epochs', '999', '--timeout', '60'],
    ...['--out', out, '--metrics-port', '0', ...args],
  ];
}

async function train(...args: readonly string[]): Promise<{ readonly out: string; readonly stdout: string }> {
  const out = join(temporaryFolder(), 'run');
  const { code, stdout, stderr } = await run(trainArguments(out, ...args), { env: installedEngines });
  expect(stderr.replace(/.*share \d+ cores.*\n/, '')).toBe('');
  expect(code).toBe(0);
  return { out, stdout };
}

describe('a worker of two threads', () => {
  const common = ['--workers', '1', '--model', 'mlp', '--optimizer', 'sgd', '--lr', '0.1', '--steps', '50'];

  it('trains what a worker of one trains, repeats it bit for bit, and says what it is', async () => {
    const [one, two, again] = [
      await train(...common),
      await train(...common, '--threads', '2'),
      await train(...common, '--threads', '2'),
    ];
    const parameters = lastParameters(two.out);
    expect(maxDifference(lastParameters(again.out), parameters)).toBe(0);
    expect(maxDifference(lastParameters(one.out), parameters)).toBeLessThan(1e-4);
    expect(readSummary(two.out).workers).toMatchObject([{ device: expect.stringMatching(/SIMD, 2 threads$/) }]);
    expect(two.stdout).toMatch(/rank 0: worker w0, .*SIMD, 2 threads\)/);
  });

  it('leaves nothing behind when it is killed', async () => {
    const running = start(
      trainArguments(join(temporaryFolder(), 'run'), '--worker', 'threads=2', '--worker', 'id=b', '--on-loss', 'fail'),
    );
    await running.waitFor(/rank 0: worker b/);
    const workers = childrenOf(running.child.pid ?? 0);
    expect(workers).toHaveLength(2);
    process.kill(workers[0] ?? 0, 'SIGKILL');
    expect((await running.exit).code).toBe(4);
    expect(workers.filter(isAlive)).toEqual([]);
  });

  it('is refused where threads are of no use', async () => {
    const { code, stderr } = await run(
      trainArguments(join(temporaryFolder(), 'run'), '--worker', 'backend=cpu,threads=2'),
    );
    expect(code).toBe(2);
    expect(stderr).toContain('engine cpu is not usable: it cannot compute on 2 threads; leave out --threads');
  });
});

const withTensorflow = await needs('linux', 'tensorflow');

withTensorflow.describe('TensorFlow', () => {
  it('computes on as many threads as it is told to, whatever the environment says', () => {
    const program = fileURLToPath(new URL('../support/tensorflow-threads.mjs', import.meta.url));
    const gained = (threads: string, set: string) => {
      const env = {
        ...process.env,
        TF_CPP_MIN_LOG_LEVEL: '2',
        TF_NUM_INTRAOP_THREADS: set,
        TF_NUM_INTEROP_THREADS: set,
      };
      return Number(
        execFileSync(process.execPath, [program, threads], {
          env,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
    };
    const two = gained('2', '9');
    expect(gained('5', '9') - two).toBe(3);
    expect(gained('2', '4')).toBe(two);
  });

  it('says how many they are, one too: left alone it takes as many as it likes', async () => {
    const { out } = await train(
      ...['--model', 'softmax', '--steps', '2', '--worker', 'backend=tensorflow,threads=1'],
      ...['--worker', 'backend=tensorflow,threads=2', '--worker', 'backend=tensorflow,id=free'],
    );
    const devices = readSummary(out).workers.map(
      ({ worker_id, device }) => `${worker_id}: ${device.split(', ').at(-1)}`,
    );
    expect(devices.sort()).toEqual([expect.not.stringContaining('thread'), 'w0: 1 thread', 'w1: 2 threads']);
  });
});
