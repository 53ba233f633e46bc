import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/engine/run-program.ts';

const node = (script: string, options = {}) => runProgram(process.execPath, ['-e', script], options);

describe('runProgram', () => {
  it('returns what a program printed and how it ended, and tells of each line', async () => {
    const lines: string[] = [];
    const script = "process.stdout.write('a\\rb\\n'); process.stderr.write('c\\n'); process.exitCode = 3";
    const result = await node(script, { onLine: (line: string) => lines.push(line) });
    expect(result).toEqual({ code: 3, stdout: 'a\rb\n', stderr: 'c\n', missing: false });
    expect(lines.sort()).toEqual(['a', 'b', 'c']);
  });

  it('kills what takes too long', async () => {
    expect(await node('setInterval(() => {}, 1000)', { timeoutMs: 200 })).toMatchObject({
      code: undefined,
      missing: false,
    });
  });

  it('leaves no timer behind where there is no such program', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    expect(await runProgram('pennygrad-has-no-such-program', [], { timeoutMs: 60_000 })).toMatchObject({
      missing: true,
    });
    expect(timers()).toBe(before);
  });
});
