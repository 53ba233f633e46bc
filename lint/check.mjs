/**
 * The first half of `npm run check`: format and lint, types, and the build, which need nothing of each other, at once. A step's
 * output is shown as a whole when the step ends; one that fails fails the check when all have ended.
 */
import { spawn } from 'node:child_process';

const steps = [
  { name: 'format and lint', command: 'biome ci --error-on-warnings .' },
  { name: 'types', command: 'tsc --noEmit' },
  { name: 'build', command: 'npm run --silent build' },
];

/** Runs a command line, whose programs npm puts in the path; resolves to its exit code. */
function run({ name, command }) {
  return new Promise((resolve) => {
    const began = performance.now();
    const output = [];
    const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (bytes) => output.push(bytes));
    child.stderr.on('data', (bytes) => output.push(bytes));
    child.on('error', (error) => output.push(Buffer.from(`${error.message}\n`)));
    child.on('close', (code) => {
      if (code !== 0) process.stderr.write(Buffer.concat(output));
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${name}: ${code === 0 ? 'passed' : `FAILED (${command})`}, ${seconds} s`);
      resolve(code);
    });
  });
}

const codes = await Promise.all(steps.map(run));
if (codes.some((code) => code !== 0)) process.exitCode = 1;
