import { existsSync } from 'node:fs';

/** The pure decisions: what is left out holds sockets, timers and files, which a unit test cannot reach. */
const decisions = [
  'src/economics/**/*.ts',
  'src/shared/{core,protocol,collectives}/**/*.ts',
  'src/coordinator/{membership,generation,training}/**/*.ts',
  'src/coordinator/record/bookkeeper.ts',
];

const asked = process.argv.findIndex((argument) => argument === '--mutate' || argument === '-m');
const mutated = asked < 0 ? undefined : process.argv[asked + 1];
// Read by vitest.config.ts, which runs in processes that inherit it.
process.env.MUTATION_TESTS ??= testsOf(mutated) ?? 'tests/unit/{shared,economics,coordinator}';

/**
 * A file is tested by the folder that mirrors its own: `src/shared/core/sampling.ts` by `tests/unit/shared/core`. What every
 * collective must do is tested in `tests/contract`.
 * @param files of one folder, as in `--mutate`
 */
function testsOf(files = '') {
  const folders = files.split(',').map((file) => /^src\/[\w/-]*(?=\/)/.exec(file)?.[0]);
  const [folder] = folders;
  if (folder === undefined || folders.some((other) => other !== folder)) return undefined;
  const tests = folder.replace('src', 'tests/unit');
  if (!existsSync(tests)) return undefined;
  return folder.startsWith('src/shared/collectives') ? `{${tests},tests/contract}` : tests;
}

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'tests/mutation/vitest.config.ts' },
  plugins: ['@stryker-mutator/vitest-runner', './tests/mutation/ignore-unreachable.mjs'],
  ignorers: ['unreachable'],
  mutate: decisions,
  ignorePatterns: ['*', '!/src/**', '!/tests/**', '!/data/**', '!/assets/**', '!/docs/**', '!/package.json'],
  disableTypeChecks: false,
  concurrency: 2,
  timeoutMS: 5000,
  // What survived once would be said to survive although a test fails with it now, if the test has an old name or the
  // mutant is only run when its module is loaded.
  incremental: false,
  incrementalFile: 'reports/mutation/incremental.json',
  reporters: ['clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, reportTests: false, logTests: false },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
};
