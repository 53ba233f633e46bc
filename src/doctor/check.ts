/** `warn`: the main job runs, but not as well as it could, or not with every default. `fail`: it does not run. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

/** What facts mean for a run, in words. Checks are pure: facts in, this out. */
export interface Check {
  /** What was looked at, in a word: `node`, `dataset`. */
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly line: string;
  /** What to do about it. */
  readonly remedy?: string;
}
