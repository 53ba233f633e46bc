import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('no test is skipped but by tests/support/machine-parts.ts, which can be told to make an error of it', () => {
  const skipping = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(test|contract)\.ts$/.test(name))
    .filter((name) => /\.(skip|skipIf|runIf|todo|only)\b *[(.]/.test(readFileSync(join(root, name), 'utf8')));
  // A method of that name, which skips no test.
  expect(skipping).toEqual(['unit/worker/usage-meter.test.ts']);
});
