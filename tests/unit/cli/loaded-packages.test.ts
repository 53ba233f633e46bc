/** What a process loads before it does anything: the start of every worker waits for it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** Packages that a module loads before its first line runs, itself or through what it imports. */
function packagesOf(module: string, seen = new Set<string>()): ReadonlySet<string> {
  const found = new Set<string>();
  if (seen.has(module)) return found;
  seen.add(module);
  for (const [, typeOnly, target = ''] of readFileSync(module, 'utf8').matchAll(
    /^(?:import|export)\b( type\b)?(?:[^;'"]*\bfrom)? ['"]([^'"]+)['"];$/gm,
  )) {
    if (typeOnly !== undefined) continue;
    if (target.startsWith('.')) for (const name of packagesOf(join(dirname(module), target), seen)) found.add(name);
    else if (!target.startsWith('node:')) found.add(target);
  }
  return found;
}

/** The module, and the modules that it loads in the same way. */
function filesOf(module: string): readonly string[] {
  const seen = new Set<string>();
  packagesOf(module, seen);
  return [...seen];
}

test('what tells an old Node that it is too old needs nothing that it does not have', () => {
  expect([...packagesOf('src/cli/main.ts')]).toEqual([]);
});

test('the list of commands loads none of them', () => {
  expect([...packagesOf('src/cli/program.ts')].sort()).toEqual(['yargs', 'yargs/helpers']);
});

test("a worker's process does not load what reads prices, config files and plots, or serves metrics", () => {
  const loaded = [...packagesOf('src/cli/commands/worker-command.ts')];
  expect(loaded).toContain('zeromq');
  for (const name of ['csv-parse/sync', 'yaml', 'string-width', 'fast-png', 'prom-client']) {
    expect(loaded).not.toContain(name);
  }
});

test('no command loads a parser of YAML before it has a YAML file to read', () => {
  for (const name of readdirSync('src/cli/commands')) {
    expect([...packagesOf(join('src/cli/commands', name))], name).not.toContain('yaml');
  }
});

test('a worker loads tfjs when it creates its engine, and by `require`, which is faster', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const importing = sources.filter((name) =>
    /^import (?!type\b)[^;]*'@tensorflow\/|import\('@tensorflow\//m.test(readFileSync(join('src', name), 'utf8')),
  );
  expect(importing).toEqual([]);
  expect(filesOf('src/cli/commands/worker-command.ts')).not.toContain('src/shared/model/tfjs-core.ts');
  expect(filesOf('src/engine/wasm/wasm-engine.ts')).toContain('src/shared/model/tfjs-core.ts');
});
