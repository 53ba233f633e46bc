/** What all of `pennygrad setup ENGINE` have in common. */
import type { RunProgram } from '../engine/run-program.ts';

export interface SetupContext {
  /** The engine's own folder; it need not exist. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly run: RunProgram;
  /** A line for the user: what is being done now. */
  readonly say: (line: string) => void;
}

export interface SetupReport {
  readonly engine: string;
  /** Nothing had to be done. */
  readonly alreadyThere: boolean;
  /** What `--backend ENGINE` will compute on. */
  readonly device: string;
  readonly folder: string;
}
