import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { targetAddress, writeTargetFile } from '../../../../src/coordinator/metrics/endpoint/target-file.ts';
import { needs } from '../../../support/machine-parts.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const target = { runId: '20261129-mnist-w2-4f1a', address: '127.0.0.1:9465' };

/** As a run leaves it that ended without removing it. */
function leave(folder: string, name: string, labels: Readonly<Record<string, string>>): void {
  const other = temporaryFolder();
  writeTargetFile(other, target);
  const [own = ''] = readdirSync(other);
  const [group] = JSON.parse(readFileSync(join(other, own), 'utf8'));
  writeFileSync(join(folder, name), JSON.stringify([{ ...group, labels: { ...group.labels, ...labels } }]));
}

const asRoot = await needs('root');

/** As a user to whom nothing belongs. Only root can become one, and only while nothing else runs in this process. */
function asNobody(act: () => void): void {
  process.seteuid?.(65_534);
  try {
    act();
  } finally {
    process.seteuid?.(0);
  }
}

describe('the file of a run', () => {
  test('has its address, and is gone when it is removed', () => {
    const folder = join(temporaryFolder(), 'made', 'here');
    const file = writeTargetFile(folder, target);
    expect(readdirSync(folder)).toEqual(['pennygrad-20261129-mnist-w2-4f1a.json']);
    const [group, ...others] = JSON.parse(readFileSync(join(folder, 'pennygrad-20261129-mnist-w2-4f1a.json'), 'utf8'));
    expect(others).toEqual([]);
    expect(group.targets).toEqual(['127.0.0.1:9465']);
    expect(Object.keys(group.labels).every((name) => name.startsWith('__meta_pennygrad_'))).toBe(true);
    expect(file.remove()).toBeUndefined();
    expect(file.remove()).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('stays in its folder, whatever the run is called', () => {
    const folder = join(temporaryFolder(), 'targets');
    writeTargetFile(folder, { ...target, runId: '../../etc/x y' });
    expect(readdirSync(folder)).toEqual(['pennygrad-.._.._etc_x_y.json']);
  });

  test('is not removed if another process has written it since', () => {
    const folder = temporaryFolder();
    const file = writeTargetFile(folder, target);
    leave(folder, 'pennygrad-20261129-mnist-w2-4f1a.json', { __meta_pennygrad_pid: '1' });
    file.remove();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('takes the place of those that killed runs of this host left, and of no others', () => {
    const folder = temporaryFolder();
    const { pid } = spawnSync('true');
    leave(folder, 'pennygrad-killed.json', { __meta_pennygrad_pid: String(pid) });
    leave(folder, 'pennygrad-alive.json', {});
    // The process id was used again: this process began at another time.
    leave(folder, 'pennygrad-reused.json', { __meta_pennygrad_started: 'then' });
    leave(folder, 'pennygrad-elsewhere.json', {
      __meta_pennygrad_pid: String(pid),
      __meta_pennygrad_host: `not-${hostname()}`,
    });
    writeFileSync(join(folder, 'pennygrad-mine.json'), '[{"targets":["a:1"]}]');
    writeFileSync(join(folder, 'runs.yml'), '[]');
    writeTargetFile(folder, target);
    expect(readdirSync(folder).sort()).toEqual([
      'pennygrad-20261129-mnist-w2-4f1a.json',
      'pennygrad-alive.json',
      'pennygrad-elsewhere.json',
      'pennygrad-mine.json',
      'runs.yml',
    ]);
  });

  asRoot.it('is written beside a dead one and a draft of another user', () => {
    const folder = temporaryFolder();
    const draft = '.pennygrad-x.json.4242-0b7a4ec6-3c0a-4f4e-9d1e-0a1b2c3d4e5f.tmp';
    leave(folder, 'pennygrad-old.json', { __meta_pennygrad_started: 'then' });
    writeFileSync(join(folder, draft), '');
    utimesSync(join(folder, draft), 0, 0);
    for (const above of [dirname(dirname(folder)), dirname(folder)]) chmodSync(above, 0o711);
    chmodSync(folder, 0o1777);
    asNobody(() => writeTargetFile(folder, target));
    expect(readdirSync(folder).sort()).toEqual([draft, 'pennygrad-20261129-mnist-w2-4f1a.json', 'pennygrad-old.json']);
  });

  test('that cannot be written is an error that names the flag', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    expect(() => writeTargetFile(file, target)).toThrow(/^--prometheus-targets .*file: cannot be written: /);
  });
});

test.each([
  ['127.0.0.1', undefined, '127.0.0.1:9464'],
  ['0.0.0.0', undefined, 'alpha:9464'],
  ['::', undefined, 'alpha:9464'],
  ['::1', undefined, '[::1]:9464'],
  ['0.0.0.0', 'host.docker.internal', 'host.docker.internal:9464'],
  ['127.0.0.1', 'fd00::2', '[fd00::2]:9464'],
])('a run that listens on %s, with --prometheus-host %s, is at %s', (metricsHost, prometheusHost, address) => {
  expect(targetAddress({ metricsHost, port: 9464, prometheusHost, hostname: 'alpha' })).toBe(address);
});
