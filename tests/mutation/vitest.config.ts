import { defineConfig } from 'vitest/config';

/** `MUTATION_TESTS` narrows the tests, since those of the coordinator take long to load and cover much besides it. */
const tests = process.env.MUTATION_TESTS ?? 'tests/unit/{shared,economics,coordinator}/**';

export default defineConfig({
  plugins: [
    {
      // Stryker asks for threads, which native add-ons do not survive the end of.
      name: 'processes',
      configureVitest({ project }) {
        project.config.pool = 'forks';
      },
    },
  ],
  test: {
    include: [`${tests}/*.test.ts`],
    globalSetup: 'tests/support/temporary-root.ts',
    setupFiles: ['tests/mutation/reproducible-properties.ts', 'tests/support/leave-nothing-behind.ts'],
    // All files of a run in one process, and a new process for each mutant.
    isolate: false,
    // A mutant that hangs fails its tests after seconds.
    testTimeout: 10_000,
  },
});
