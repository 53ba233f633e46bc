/**
 * What some tests need and not every machine has. Every test that is skipped is skipped here, and
 * `PENNYGRAD_TEST_REQUIRE=chromium,tensorflow,…` makes an error of it: where everything is checked nothing may be missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'vitest';
import { engineFolder } from '../../src/engine/engine-folder.ts';
import { tensorflowProvider } from '../../src/engine/tensorflow/tensorflow-provider.ts';
import { webgpuProvider } from '../../src/engine/webgpu/webgpu-provider.ts';

/** Named here and not in chromium.ts, which loads half a second of libraries for those who start it. */
export const chromiumPath = '/usr/bin/chromium';

/** Of each part, why this machine does not have it; undefined if it has. */
const parts = {
  chromium: () => (existsSync(chromiumPath) ? undefined : `${chromiumPath} is missing: apt-get install chromium`),
  /** A user who may give a process a list of processes of its own, as containers have. */
  containers: () => refused('unshare', ['--pid', '--fork', '--mount-proc', 'true']),
  /** A user who may make networks: hosts of their own, with links between them. */
  networks: () => refused('unshare', ['--net', 'ip', 'link', 'add', 'pennygrad', 'type', 'bridge']),
  /** The address of this host itself. */
  ipv6: () =>
    Object.values(networkInterfaces())
      .flat()
      .some((address) => address?.address === '::1')
      ? undefined
      : 'no interface has the address ::1',
  linux: () => (process.platform === 'linux' ? undefined : `this is ${process.platform}`),
  /** A user who may mount file systems: a small one is a disk that a test can fill. */
  mount: () => refused('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']),
  prometheus: () => missingProgram('prometheus', 'prometheus') ?? missingProgram('promtool', 'prometheus'),
  pushgateway: () => missingProgram('prometheus-pushgateway', 'prometheus-pushgateway'),
  /** A user who may start processes of other users. */
  root: () => (process.getuid?.() === 0 ? undefined : 'this user is not root'),
  tensorflow: () => unusable(tensorflowProvider.probe()),
  /** A terminal that a test can close: `script` of util-linux, whose flags other systems do not know. */
  terminal: () => (process.platform === 'linux' ? missingProgram('script', 'bsdutils') : `this is ${process.platform}`),
  /** A user to whom files can be closed. */
  unprivileged: () => (process.getuid?.() === 0 ? 'root may do everything' : undefined),
  /** A GPU, or a program that does as one, with which `pennygrad setup webgpu` has trained. */
  webgpu: () => unusable(webgpuProvider(engineFolder('webgpu', process.env)).probe()),
} satisfies Readonly<Record<string, () => string | undefined | Promise<string | undefined>>>;

export type MachinePart = keyof typeof parts;

const required = new Set((process.env.PENNYGRAD_TEST_REQUIRE ?? '').split(',').filter((name) => name !== ''));
for (const name of required) {
  if (!(name in parts)) {
    throw new Error(`PENNYGRAD_TEST_REQUIRE: there is no ${name}; there are ${Object.keys(parts).join(', ')}`);
  }
}

/**
 * Vitest's `describe` and `it`, which skip where a part is missing, and say why.
 *
 * @throws if a part is missing that is required
 */
export async function needs(...names: readonly MachinePart[]): Promise<{
  readonly describe: ReturnType<typeof describe.skipIf>;
  readonly it: ReturnType<typeof it.skipIf>;
}> {
  let skipped = false;
  for (const name of names) {
    const missing = await parts[name]();
    if (missing === undefined) continue;
    if (required.has(name)) throw new Error(`${name} is required here, and there is none: ${missing}`);
    console.warn(`skipping what needs ${name}: ${missing}`);
    skipped = true;
  }
  return { describe: describe.skipIf(skipped), it: it.skipIf(skipped) };
}

function missingProgram(program: string, debianPackage: string): string | undefined {
  const { error } = spawnSync(program, ['--version'], { stdio: 'ignore' });
  return error === undefined ? undefined : `${error.message}: apt-get install ${debianPackage}`;
}

/** Why a command that changes nothing does not work. */
function refused(program: string, args: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

async function unusable(probing: ReturnType<typeof tensorflowProvider.probe>): Promise<string | undefined> {
  const availability = await probing;
  return availability.usable ? undefined : `${availability.reason}; ${availability.remedy}`;
}
