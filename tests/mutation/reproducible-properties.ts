import fc from 'fast-check';

/** The same values for every mutant, so that a score can be repeated; a counterexample need not be the smallest. */
fc.configureGlobal({ seed: 1, endOnFailure: true });
