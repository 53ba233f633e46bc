/** Prometheus' own unit tests of expressions. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { temporaryFolder } from './temporary-folder.ts';

export interface ExpressionTest {
  readonly expr: string;
  readonly eval_time: string;
  readonly exp_samples: readonly { readonly labels: string; readonly value: number }[];
}

/** Samples every 5 s, as promtool writes them: `_` is none, and `stale` that the target was missed. */
export function inputSeries(series: string, values: string) {
  return { series, values };
}

/** @returns what promtool says of expressions that do not give the samples expected; `undefined` if all do */
export function failuresOf(
  input: readonly ReturnType<typeof inputSeries>[],
  expressions: readonly ExpressionTest[],
): string | undefined {
  const file = join(temporaryFolder(), 'expressions.test.yml');
  const test = { interval: '5s', input_series: input, promql_expr_test: expressions };
  writeFileSync(file, stringify({ evaluation_interval: '5s', tests: [test] }));
  const { status, stdout, stderr, error } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return status === 0 ? undefined : stdout + stderr;
}
