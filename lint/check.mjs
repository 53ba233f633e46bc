/**
 * `npm run check`: format and lint, types, the build and the unit tests, all at once; only the tests wait for the build, of
 * which some start programs. A step's output is shown as a whole when it has failed, and the tests' in any case, as it comes
 * once the other steps have ended. One that fails fails the check when all have ended.
 */
import { spawn } from 'node:child_process';

const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined ? { FORCE_COLOR: '1' } : {};

/** Runs a command line, whose programs npm puts in the path. */
function run(name, command) {
  const began = performance.now();
  const kept = [];
  let show = (bytes) => kept.push(bytes);
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...colours },
  });
  child.stdout.on('data', (bytes) => show(bytes));
  child.stderr.on('data', (bytes) => show(bytes));
  child.on('error', (error) => show(Buffer.from(`${error.message}\n`)));
  /** Shows what was printed so far, and what is printed from now on. */
  const follow = () => {
    show = (bytes) => process.stdout.write(bytes);
    for (const bytes of kept.splice(0)) show(bytes);
  };
  const passed = new Promise((resolve) => {
    child.on('close', (code) => {
      if (code !== 0) follow();
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${name}: ${code === 0 ? 'passed' : `FAILED (${command})`}, ${seconds} s`);
      resolve(code === 0);
    });
  });
  return { passed, follow };
}

const style = run('format and lint', 'biome ci --error-on-warnings .').passed;
const types = run('types', 'tsc --noEmit').passed;
const built = await run('build', 'npm run --silent build').passed;
const tests = built ? run('unit tests', 'vitest run --project unit') : undefined;
const passed = [built, await style, await types];
tests?.follow();
if (tests !== undefined) passed.push(await tests.passed);
if (passed.includes(false)) {
  // What failed first may be far above.
  console.log('npm run check: FAILED');
  process.exitCode = 1;
}
