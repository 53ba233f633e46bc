/** Exit codes of every command, as documented in the README. */
export const exitCodes = {
  done: 0,
  usage: 2,
  runFailed: 3,
  quorumLost: 4,
  budgetReached: 5,
  interrupted: 130,
} as const;

/** What went wrong, for callers to branch on. */
export type ErrorCode =
  /** A flag, file, dataset or frame is wrong, and the user can fix it. */
  | 'bad-input'
  /** Training itself failed: a worker's exception, replicas that differ. */
  | 'run-failed'
  /** The loss is no longer finite, or too large for a model that learns. */
  | 'diverged'
  /** A worker is missing, dead or silent past its deadline. */
  | 'quorum-lost'
  /** A budget that the user set is used up; the run can be resumed. */
  | 'budget-reached'
  /** The user asked to stop. */
  | 'interrupted';

/**
 * An error whose message is one line that says what is wrong and what to do.
 * The command line prints the message alone; `--verbose` adds the stack and the cause.
 */
export class PennygradError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PennygradError';
    this.code = code;
  }
}

/** Shorthand for the most common error: input that the user can fix. */
export function badInput(message: string, cause?: unknown): PennygradError {
  return new PennygradError('bad-input', message, cause === undefined ? undefined : { cause });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of an error (`ENOENT`), or of the error that caused one of ours; empty if there is none. */
export function codeOf(error: unknown): string {
  const system = error instanceof PennygradError ? error.cause : error;
  return system instanceof Error && 'code' in system ? String(system.code) : '';
}

/** The first line of the message. For a host with several addresses Node throws one error per address: the first counts. */
export function firstLineOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return messageOf(first).trim().split('\n')[0] ?? '';
}

/** The exit code of a command that ends with this error. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof PennygradError)) return exitCodes.runFailed;
  switch (error.code) {
    case 'bad-input':
      return exitCodes.usage;
    case 'run-failed':
    case 'diverged':
      return exitCodes.runFailed;
    case 'quorum-lost':
      return exitCodes.quorumLost;
    case 'budget-reached':
      return exitCodes.budgetReached;
    case 'interrupted':
      return exitCodes.interrupted;
    default:
      return error.code satisfies never;
  }
}
