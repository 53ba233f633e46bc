/** How long the rest of a sweep takes, from what its runs took so far. */

/**
 * @param done points of finished runs, with the seconds each took
 * @param ahead points of the runs to come
 * @returns seconds, or undefined before any run has finished
 */
export function remainingSeconds(
  done: readonly { readonly point: string; readonly seconds: number }[],
  ahead: readonly string[],
): number | undefined {
  if (done.length === 0) return undefined;
  const mean = (runs: typeof done) => runs.reduce((sum, { seconds }) => sum + seconds, 0) / runs.length;
  return ahead.reduce((sum, point) => {
    const same = done.filter((run) => run.point === point);
    return sum + mean(same.length > 0 ? same : done);
  }, 0);
}
