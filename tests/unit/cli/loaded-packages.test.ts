/** What a process loads before it does anything: the start of every worker waits for it. */
import { readFileSync } from 'node:fs';
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
