/** What a run prints at its end: summary, predictions, and how to resume it. */
import type { RunResult } from '../coordinator/run-options.ts';
import { raiseSpentBudget, type Taken } from '../economics/ledger/budget.ts';
import { describeRestart, type RestartBill } from '../economics/ledger/restart-bill.ts';
import { renderPredictionsText } from '../report/predictions/predictions-text.ts';
import { renderSummaryTable } from '../report/terminal/summary-table.ts';
import { type BudgetConfig, budgetOf } from '../settings/budget-settings.ts';
import type { PrintConfig } from '../settings/output-settings.ts';
import { exitCodeOf, exitCodes } from '../shared/core/errors.ts';
import { shellQuoted } from '../shared/core/shell-quoted.ts';
import { terminalColumns, wantsColour } from './terminal.ts';

export interface PrintedRun {
  readonly print: PrintConfig;
  readonly verbose: boolean;
  readonly folder: string;
  /** The command that resumes it. */
  readonly command: 'train' | 'coordinator';
  readonly budget: BudgetConfig;
  readonly spent: Taken;
  readonly restart: RestartBill;
  /** How many frames were rejected, by reason. */
  readonly rejected: ReadonlyMap<string, number>;
  /** What to know of its prices: a line each. */
  readonly cautions: readonly string[];
}

/** @returns the exit code */
export function printResult({ summary, predictions, error }: RunResult, run: PrintedRun): number {
  const { print, folder, rejected, cautions } = run;
  if (print.json) console.log(JSON.stringify({ event: 'summary', folder, ...summary }));
  else {
    const colour = wantsColour();
    if (predictions !== undefined && !print.quiet) console.log(`\n${renderPredictionsText(predictions, { colour })}`);
    // A run that ended before training began has nothing to sum up.
    const options = { columns: terminalColumns(), colour, cautions };
    if (summary.world_size > 0) console.log(`\n${renderSummaryTable(summary, options)}`);
    if (rejected.size > 0) console.log(`frames rejected, by reason: ${describeCounts(rejected)}`);
    console.log(`files of this run: ${folder}`);
  }
  if (error === undefined) return exitCodes.done;
  console.error(`pennygrad: ${error.message}`);
  const again = `pennygrad ${run.command} --resume ${shellQuoted(folder)}`;
  const isBudget = error.code === 'budget-reached';
  // Users of a budget mean to resume, even where start-up used all of it. A resumed run keeps its learning rate, and would
  // diverge again.
  if (isBudget || (summary.steps > 0 && error.code !== 'diverged')) {
    const restart = describeRestart(run.restart);
    if (restart !== undefined) console.error(restart);
    console.error(`to resume: ${again}${isBudget ? moreBudget(run) : ''}`);
  }
  if (run.verbose) console.error(error);
  return exitCodeOf(error);
}

/** A budget that is used up has to be raised before the run can be resumed. */
function moreBudget({ budget, spent, restart }: PrintedRun): string {
  const raised = raiseSpentBudget(budgetOf(budget), spent, restart.usd);
  const flags = { 'budget-usd': raised.usd, 'budget-hours': raised.hours };
  return Object.entries(flags)
    .map(([flag, value]) => (value === undefined ? '' : ` --${flag} ${value}`))
    .join('');
}

function describeCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([reason, count]) => `${reason} ${count}`).join(', ');
}
