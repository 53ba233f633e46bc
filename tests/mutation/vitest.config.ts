import { defineConfig } from 'vitest/config';
import type { Reporter, Vitest } from 'vitest/node';

/** A mutant with which a test file does not even load fails no test, and Stryker would say that it survived. */
function reportFilesThatDoNotLoad(): Reporter {
  let vitest: Vitest;
  return {
    onInit(started) {
      vitest = started;
    },
    onTestModuleEnd(file) {
      for (const error of file.errors()) vitest.state.catchError(error, 'Load Error');
    },
  };
}

export default defineConfig({
  plugins: [
    {
      // Stryker asks for threads, and the native add-ons abort the process when a thread that loaded them ends.
      name: 'processes',
      configureVitest({ project }) {
        project.config.pool = 'forks';
      },
    },
  ],
  test: {
    reporters: [reportFilesThatDoNotLoad()],
    include: [`${process.env.MUTATION_TESTS}/**/*.test.ts`],
    globalSetup: 'tests/support/temporary-root.ts',
    setupFiles: ['tests/mutation/reproducible-properties.ts', 'tests/support/leave-nothing-behind.ts'],
    // All test files of a mutant share a process; the next mutant has a new one.
    isolate: false,
    // A mutant that hangs is known after seconds, and there is still time for the slowest test on a busy machine.
    testTimeout: 10_000,
  },
});
