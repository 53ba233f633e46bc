/** TensorFlow: setting it up where something is missing, and training with it where it is there. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../src/engine/run-program.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { needs } from '../support/machine-parts.ts';
import { installedEngines, killAll, run } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const onLinux = await needs('linux');
const withTensorflow = await needs('tensorflow');
afterAll(killAll);

/** A search path with these programs of this machine and nothing else. */
async function pathWith(...programs: readonly string[]): Promise<string> {
  const folder = temporaryFolder();
  for (const program of programs) {
    const { stdout } = await runProgram('which', [program]);
    symlinkSync(stdout.trim(), join(folder, program));
  }
  return folder;
}

describe('setup tensorflow', () => {
  it('names the compiler that is missing, before it downloads anything', async () => {
    const env = { PENNYGRAD_HOME: temporaryFolder(), PATH: await pathWith('node') };
    const { code, stderr } = await run(['setup', 'tensorflow'], { env });
    expect(stderr).toMatch(/^pennygrad: C\+\+ compiler not found \(g\+\+\): install .*build-essential/);
    expect(code).toBe(2);
  });

  onLinux.describe('on Linux', () => {
    it('names the Python that is missing', async () => {
      const env = { PENNYGRAD_HOME: temporaryFolder(), PATH: await pathWith('node', 'npm', 'g++', 'make') };
      const { code, stderr } = await run(['setup', 'tensorflow'], { env });
      expect(stderr).toMatch(/^pennygrad: no python3 on the path: install Python 3\.10 to 3\.13/);
      expect(code).toBe(2);
    });

    it('says that a folder cannot be made, and how to have another', async () => {
      const file = join(temporaryFolder(), 'file');
      writeFileSync(file, '');
      const { code, stderr } = await run(['setup', 'tensorflow'], { env: { PENNYGRAD_HOME: file } });
      expect(stderr).toMatch(/cannot be created: .*; set PENNYGRAD_HOME to another folder/);
      expect(code).toBe(2);
    });

    it('does not set up CUDA where there is no card', async () => {
      const env = { PENNYGRAD_HOME: temporaryFolder(), PATH: await pathWith('node', 'npm', 'g++', 'make') };
      const { code, stderr } = await run(['setup', 'tensorflow', '--gpu'], { env });
      expect(stderr).toMatch(/^pennygrad: nvidia-smi lists no GPU: .*leave out --gpu/);
      expect(code).toBe(2);
    });
  });

  it('refuses flags that contradict each other', async () => {
    const { code, stderr } = await run(['setup', 'tensorflow', '--venv', 'a', '--python', 'b']);
    expect(stderr).toBe('pennygrad: --venv and --python exclude each other\n');
    expect(code).toBe(2);
  });
});

describe('train --backend tensorflow', () => {
  it('says how to get TensorFlow where it is not', async () => {
    const home = temporaryFolder();
    mkdirSync(join(home, 'engines'));
    const { code, stdout, stderr } = await run(['train', '--backend', 'tensorflow', '--metrics-port', '0'], {
      env: { PENNYGRAD_HOME: home },
    });
    expect(stdout + stderr).toContain(
      'engine tensorflow is not usable: TensorFlow is not set up; run pennygrad setup tensorflow',
    );
    expect(code).toBe(2);
  });

  withTensorflow.describe('where it is', () => {
    it('has nothing to set up again', async () => {
      const { code, stdout } = await run(['setup', 'tensorflow', '--json'], { env: installedEngines });
      expect(JSON.parse(stdout)).toMatchObject({ engine: 'tensorflow', alreadyThere: true });
      expect(code).toBe(0);
    });

    it('trains MNIST on two workers whose replicas stay the same', async () => {
      const out = join(temporaryFolder(), 'run');
      const args = ['train', '--backend', 'tensorflow', '--steps', '150', '--metrics-port', '0', '--out', out];
      const { code, stderr } = await run(args, { env: installedEngines });
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const summary = readSummary(out);
      expect(summary).toMatchObject({
        status: 'completed',
        backend: 'tensorflow',
        world_size: 2,
        steps: 150,
        replicas_identical: true,
      });
      expect(summary.test_accuracy).toBeGreaterThan(0.9);
    });
  });
});

withTensorflow.describe('train with the engine that a trial decides on', () => {
  const env = { ...installedEngines, XDG_CACHE_HOME: temporaryFolder() };
  const folder = join(env.XDG_CACHE_HOME, 'pennygrad', 'engine-trials');
  const dataset = writeIdxFolder(200, 50);

  async function train(): Promise<{ readonly backend: string; readonly stdout: string }> {
    const out = join(temporaryFolder(), 'run');
    const { code, stdout, stderr } = await run(
      [
        ...['train', '--dataset', dataset, '--model', 'softmax', '--steps', '4', '--workers', '2', '--timeout', '120'],
        ...['--metrics-port', '0', '--out', out],
      ],
      { env },
    );
    expect(code, stderr).toBe(0);
    return { backend: readSummary(out).backend, stdout };
  }

  it('tries them once, and takes what has been found from then on', async () => {
    // Which is faster is for this machine to say; both workers must have heard the same.
    expect(['tensorflow', 'wasm']).toContain((await train()).backend);
    const names = readdirSync(folder);
    expect(names).toHaveLength(1);
    const file = join(folder, names[0] ?? '');
    const trial = JSON.parse(readFileSync(file, 'utf8'));
    expect(trial).toMatchObject({
      subject: { threads: null, model: { name: 'softmax', inputShape: [28, 28, 1], classes: 10 } },
      results: [{ engine: 'tensorflow' }, { engine: 'wasm' }],
    });

    const speed = (engine: string, speed: number) => ({ engine, samplesPerSecond: speed, bestSamplesPerSecond: speed });
    const altered = JSON.stringify({ ...trial, results: [speed('tensorflow', 2000), speed('wasm', 1000)] });
    writeFileSync(file, altered);
    const { backend, stdout } = await train();
    expect(backend).toBe('tensorflow');
    const reason = /tensorflow: 2,000 samples\/s in a trial, wasm 1,000 \(TensorFlow \S+, CPU\)/;
    expect(stdout).toMatch(reason);
    expect(readFileSync(file, 'utf8')).toBe(altered);

    const report = JSON.parse((await run(['doctor', '--no-bench', '--json'], { env })).stdout);
    expect(report.checks).toContainEqual({ name: 'trial', status: 'ok', line: expect.stringMatching(reason) });
    expect(report.engine_trials).toMatchObject([
      { subject: { model: { name: 'softmax' } }, results: [{ samples_per_second: 2000 }, {}] },
    ]);
  });
});
