import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runProgram } from '../../src/engine/run-program.ts';

const program = fileURLToPath(new URL('../support/receive-frames.mjs', import.meta.url));

it('is freed while frames are received, by flags that this V8 knows', async () => {
  // What came since the last young collection, and a mebibyte of whatever else is in memory. Without collections 16 MiB are left.
  const limit = 13 << 20;
  // V8 says on stderr that it does not know a flag.
  const { stdout, stderr } = await runProgram(process.execPath, [program, '160', String(limit)], { timeoutMs: 60_000 });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout).most).toBeLessThan(limit);
});
