/** Properties that do not say how many cases they draw draw this many. */
import fc from 'fast-check';
import { rounds } from './thoroughness.ts';

fc.configureGlobal({ numRuns: rounds(25, 100) });
