/** What the setups of all engines have in common. */
import type { RunProgram } from '../engine/run-program.ts';

export interface SetupContext {
  /** The engine's own folder. It need not exist. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly run: RunProgram;
  /** Prints a line for the user that says what is being done. */
  readonly say: (line: string) => void;
}

export interface SetupReport {
  readonly engine: string;
  /** Whether the engine was already set up. */
  readonly alreadyThere: boolean;
  /** What `--backend ENGINE` will compute on. */
  readonly device: string;
  readonly folder: string;
}
