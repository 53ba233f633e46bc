/** What an audit of a run found, for the terminal. */
import type { EpochAudit } from '../../run-folder/audit/count-samples.ts';
import type { AuditReport } from '../../run-folder/audit/verify-audit.ts';
import { formatCount } from '../../shared/core/number-format.ts';
import { printable } from '../../shared/core/printable.ts';
import { createPaint, type Paint } from '../terminal/colour.ts';
import { type Column, renderTable } from '../terminal/table.ts';
import { wrapText } from '../terminal/wrap-text.ts';

/** Problems, samples and workers that are named; `--json` names more. */
const mostNamed = 10;

export function renderAudit(
  folder: string,
  report: AuditReport,
  { columns, colour }: { readonly columns: number; readonly colour: boolean },
): string {
  const { header, epochs } = report;
  const paint = createPaint(colour);
  const facts = [
    `run ${header.runId}`,
    `${formatCount(header.trainCount)} training samples`,
    `batch ${header.batchSize}`,
    `seed ${header.seed}`,
  ];
  return [
    `${paint('bold', 'Audit')} of ${printable(folder)}: ${facts.join(' · ')}`,
    ...(epochs.length === 0 ? [] : ['', renderTable(columnsOf(report), epochRows(epochs), { columns, paint })]),
    '',
    ...describeFindings(report).map((line) => wrapText(line, columns)),
    wrapText(describeVerdict(report), columns).replace(/^(Not proved|Proved)/, (word) => paintVerdict(word, paint)),
  ].join('\n');
}

function paintVerdict(word: string, paint: Paint): string {
  return paint(['bold', word === 'Proved' ? 'green' : 'red'], word);
}

/** One epoch, or several one after the other with the same figures. */
interface EpochRow {
  readonly first: number;
  readonly last: number;
  readonly figures: EpochAudit;
}

function epochRows(epochs: readonly EpochAudit[]): readonly EpochRow[] {
  const rows: EpochRow[] = [];
  for (const figures of epochs) {
    const before = rows.at(-1);
    const goesOn = before !== undefined && before.last + 1 === figures.epoch && isAlike(before.figures, figures);
    if (goesOn) rows.splice(-1, 1, { first: before.first, last: figures.epoch, figures: before.figures });
    else rows.push({ first: figures.epoch, last: figures.epoch, figures });
  }
  return rows;
}

const compared = ['steps', 'expected', 'once', 'skipped', 'missing', 'repeated', 'lostSteps'] as const;

function isAlike(a: EpochAudit, b: EpochAudit): boolean {
  return compared.every((figure) => a[figure] === b[figure]);
}

const epochColumns: readonly Column<EpochRow>[] = [
  {
    head: 'epoch',
    cell: ({ first, last }) => (first === last ? `${first}` : `each of ${first} to ${last}`),
    align: 'left',
  },
  { head: 'steps', cell: ({ figures }) => formatCount(figures.steps) },
  { head: 'samples due', cell: ({ figures }) => formatCount(figures.expected) },
  { head: 'applied once', cell: ({ figures }) => formatCount(figures.once) },
  { head: 'missing', cell: ({ figures }) => formatCount(figures.missing) },
  { head: 'repeated', cell: ({ figures }) => formatCount(figures.repeated) },
  { head: 'lost steps', cell: ({ figures }) => formatCount(figures.lostSteps), expendable: 1 },
];

const skippedColumn: Column<EpochRow> = { head: 'skipped', cell: ({ figures }) => formatCount(figures.skipped) };

function columnsOf({ skippedSteps }: AuditReport): readonly Column<EpochRow>[] {
  if (skippedSteps === 0) return epochColumns;
  return epochColumns.flatMap((column) => (column.head === 'applied once' ? [column, skippedColumn] : [column]));
}

function describeFindings(report: AuditReport): readonly string[] {
  const { workers, lostSteps, resumes, skippedSteps, skippedSamples, unsavedSteps, problems, problemCount, epochs } =
    report;
  const samples = workers.slice(0, mostNamed).map(({ worker, samples }) => `${worker} ${formatCount(samples)}`);
  const faulty = epochs.flatMap((epoch) => [
    ...describeSamples(epoch.epoch, 'missing', epoch.missing, epoch.missingSamples),
    ...describeSamples(epoch.epoch, 'repeated', epoch.repeated, epoch.repeatedSamples),
  ]);
  return [
    ...(workers.length === 0 ? [] : [`Samples by worker: ${samples.join(', ')}${andMore(workers.length)}`]),
    ...(lostSteps === 0
      ? []
      : [
          `Lost because no checkpoint had them, and trained again: ${count(lostSteps, 'step')} at ${count(resumes, 'resume')}`,
        ]),
    ...(skippedSteps === 0
      ? []
      : [
          `Skipped as not finite: ${count(skippedSamples, 'sample')} in ${count(skippedSteps, 'step')}, drawn but applied to nothing`,
        ]),
    ...(unsavedSteps === 0
      ? []
      : [`After the newest checkpoint: ${count(unsavedSteps, 'step')}; if the run has ended, its model lacks them`]),
    ...problems.slice(0, mostNamed).map(({ message }) => `Problem: ${message}`),
    ...(problemCount > mostNamed ? [`${formatCount(problemCount - mostNamed)} problems more`] : []),
    ...faulty.slice(0, mostNamed),
    ...(faulty.length > mostNamed ? [`${formatCount(faulty.length - mostNamed)} lines of samples more`] : []),
  ];
}

/** Samples are named by their index among the training images, from 0. */
function describeSamples(epoch: number, what: string, number: number, samples: readonly number[]): readonly string[] {
  if (number === 0) return [];
  const named = samples.slice(0, mostNamed).join(', ');
  return [`Epoch ${epoch}: ${count(number, 'training image')} ${what}: ${named}${andMore(number)}`];
}

function andMore(number: number): string {
  return number > mostNamed ? ` and ${formatCount(number - mostNamed)} more` : '';
}

function count(number: number, noun: string): string {
  return `${formatCount(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function describeVerdict({ proved, epochs, header, steps, skippedSteps, skippedSamples }: AuditReport): string {
  const samples = formatCount(header.trainCount);
  if (!proved) return 'Not proved: the file does not show that each sample was drawn exactly once';
  if (steps === 0) return 'Proved: no step was trained';
  const drew = skippedSteps === 0 ? 'applied' : 'drew';
  const whole = epochs.filter((epoch) => epoch.whole);
  const begun = epochs.find((epoch) => !epoch.whole && epoch.expected > 0);
  const said = [
    ...(whole.length === 0
      ? []
      : [
          `${whole.length === 1 ? 'the whole epoch' : `each of ${formatCount(whole.length)} whole epochs`} ${drew} each of its ${samples} samples exactly once`,
        ]),
    ...(begun === undefined
      ? []
      : [
          `epoch ${begun.epoch} has ${skippedSteps === 0 ? 'applied' : 'drawn'} ${formatCount(begun.expected)} of its ${samples} samples, each exactly once`,
        ]),
  ];
  const skipped =
    skippedSteps === 0
      ? ''
      : `, and applied it unless its step was skipped: ${count(skippedSamples, 'sample')} in ${count(skippedSteps, 'step')} ` +
        `${skippedSteps === 1 ? 'was' : 'were'} skipped as not finite`;
  return `Proved: ${said.join('; ')}${skipped}`;
}
