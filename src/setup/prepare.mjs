/**
 * npm's `prepare` step: builds, where the packages that a build takes are installed. `npm ci --omit=dev` in a checkout
 * installs none, and uses the `dist` that is there or is told how to get one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

if (existsSync(`${root}/node_modules/typescript`)) {
  const { status } = spawnSync('npm', ['run', 'build'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  process.exitCode = status ?? 1;
} else if (!existsSync(`${root}/dist/cli/main.js`)) {
  console.error('pennygrad: nothing was built, for want of the development packages; build once with npm ci');
}
