/** Environments in which the command line itself could fail to start. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { needs } from '../support/machine-parts.ts';
import { program, run, start } from '../support/pennygrad.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('an old Node', () => {
  it('is told which one is needed', () => {
    const old = "Object.defineProperty(process.versions, 'node', { value: '18.20.8' })";
    const args = ['--import', `data:text/javascript,${encodeURIComponent(old)}`, program, 'train'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toMatch(/^pennygrad: needs Node >=20\.19\.0, and this is 18\.20\.8; install .*\n$/);
    expect(status).toBe(2);
  });
});

const { it: itAsRoot } = await needs('root');

itAsRoot('a user without a home folder and without an entry in passwd can use every command', () => {
  const { HOME: _, XDG_CACHE_HOME: __, XDG_DATA_HOME: ___, ...env } = process.env;
  for (const args of [['prices'], ['doctor', '--help'], ['train', '--help']]) {
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], { env, uid: 54_321, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  }
});

it('a misspelt variable is an error, before anything runs', async () => {
  const { code, stderr } = await run(['prices'], { env: { PENNYGRAD_BACTH_SIZE: '32' } });
  expect(stderr).toMatch(/^pennygrad: .*PENNYGRAD_BACTH_SIZE is not a setting; did you mean PENNYGRAD_BATCH_SIZE\?\n$/);
  expect(code).toBe(2);
});

it('a command that has printed everything has not failed because nobody read it to the end', async () => {
  const job = start(['prices']);
  job.child.stdout?.destroy();
  const { code, stderr } = await job.exit;
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

const { it: itOnLinux } = await needs('linux');

itOnLinux.each([
  ['prices', []],
  ['train', ['--model', 'softmax', '--epochs', '1', '--steps', '2000', '--metrics-port', '0', '--out', 'run']],
])('%s whose output does not fit on the disk says so, and fails', async (command, args) => {
  const full = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(full));
  const { status, stderr } = spawnSync(process.execPath, [program, command, ...args], {
    cwd: temporaryFolder(),
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  expect(stderr).toContain('pennygrad: the output cannot be written: ENOSPC: no space left on device');
  expect(status).toBe(3);
});
