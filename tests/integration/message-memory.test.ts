import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runProgram } from '../../src/engine/run-program.ts';

const program = fileURLToPath(new URL('../support/receive-frames.mjs', import.meta.url));

it('is freed while frames are received, by flags that this V8 knows', async () => {
  // V8 says on stderr that it does not know a flag.
  const { stdout, stderr } = await runProgram(process.execPath, [program, '400'], { timeoutMs: 60_000 });
  expect(stderr).toBe('');
  // Without young collections it comes to 43 MB.
  expect(JSON.parse(stdout).most).toBeLessThan(30 << 20);
});
