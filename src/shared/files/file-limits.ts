/** The largest files that are read, in bytes, by what they hold. `docs/limits.md` lists them. */
import { constants } from 'node:buffer';

const mebibyte = 2 ** 20;

export const fileLimits = {
  /** `--config`, and the `config.json` of a run. */
  settings: mebibyte,
  /** `--prices`. */
  prices: mebibyte,
  /** `summary.json` of a run, and `sweep.json`. */
  summary: 16 * mebibyte,
  /** `predictions.svg` of a run. */
  picture: 4 * mebibyte,
  /** `metrics.jsonl`, `ledger.jsonl` and `samples.audit` of a run: the longest text that Node can hold. */
  log: constants.MAX_STRING_LENGTH,
  /** `model.json`, `training.json` and `SHA256SUMS` of a checkpoint. */
  checkpointJson: mebibyte,
  /** What a trial of the engines came to, in the user's cache. */
  trial: mebibyte,
  /** Who holds the lock of a run folder, or serves the metrics of a run. */
  lock: 4096,
} as const;
