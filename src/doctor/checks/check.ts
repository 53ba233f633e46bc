/** `warn`: `pennygrad train` works, but not as well as it could or not with all defaults. `fail`: it does not work. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

/** What facts mean for a run. */
export interface Check {
  /** What was checked, in one word: `node`, `dataset`. */
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly line: string;
  /** What to do about it. */
  readonly remedy?: string;
}
