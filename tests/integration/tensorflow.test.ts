/** TensorFlow: setting it up where something is missing, and training with it where it is there. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../src/engine/run-program.ts';
import { needs } from '../support/machine-parts.ts';
import { killAll, run } from '../support/pennygrad.ts';
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
      const { code, stdout } = await run(['setup', 'tensorflow', '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ engine: 'tensorflow', alreadyThere: true });
      expect(code).toBe(0);
    });

    it('trains MNIST on two workers whose replicas stay the same', async () => {
      const out = join(temporaryFolder(), 'run');
      const args = ['train', '--backend', 'tensorflow', '--steps', '150', '--metrics-port', '0', '--out', out];
      const { code, stderr } = await run(args);
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
