import { formatCount, formatLoss, formatPercent, formatSeconds, formatUsd } from '../shared/core/number-format.ts';
import type { LiveState } from '../shared/protocol/live/live-state.ts';
import { byId, create } from './elements.ts';
import { nothing } from './figures.ts';

/** Most rows in the table of steps; the run folder has every step. */
const mostRows = 20;

const epochColumns = ['Epoch', 'Loss', 'Accuracy', 'Test loss', 'Test accuracy', 'Seconds', 'Samples/s', 'Cost'];
const pointColumns = ['Step', 'Loss', 'Accuracy', 'Samples/s'];

/** The curves as tables, drawn only while they are open. */
export function createDataTables(): (state: LiveState) => void {
  const details = byId('data', HTMLDetailsElement);
  const epochRows = byId('epochs', HTMLTableSectionElement);
  const pointRows = byId('points', HTMLTableSectionElement);
  byId('epochs-head', HTMLTableSectionElement).append(headOf(epochColumns));
  byId('points-head', HTMLTableSectionElement).append(headOf(pointColumns));
  let latest: LiveState | undefined;
  let drawn: Pick<LiveState, 'curve' | 'epochs'> | undefined;

  function draw(): void {
    if (latest === undefined || !details.open) return;
    const { curve, epochs } = latest;
    if (drawn?.epochs !== epochs) epochRows.replaceChildren(...epochs.map((epoch) => rowOf(epochCells(epoch))));
    if (drawn?.curve !== curve) pointRows.replaceChildren(...pointCells(curve).map(rowOf));
    drawn = { curve, epochs };
  }
  details.addEventListener('toggle', draw);
  return (state) => {
    latest = state;
    draw();
  };
}

function epochCells(epoch: LiveState['epochs'][number]): readonly string[] {
  return [
    `${formatCount(epoch.epoch)}${epoch.cutShort ? ' (cut short)' : ''}`,
    ...[formatLoss(epoch.loss), formatPercent(epoch.accuracy, 2)],
    ...[formatLoss(epoch.testLoss), formatPercent(epoch.testAccuracy, 2)],
    ...[formatSeconds(epoch.seconds), formatCount(epoch.samplesPerSecond)],
    epoch.costUsd === undefined ? nothing : formatUsd(epoch.costUsd),
  ];
}

function pointCells({ points }: LiveState['curve']): readonly (readonly string[])[] {
  const perRow = Math.max(1, Math.ceil(points.length / mostRows));
  const rows = Array.from({ length: Math.ceil(points.length / perRow) }, (_, row) =>
    points.slice(row * perRow, (row + 1) * perRow),
  );
  return rows.map((part) => {
    const sum = (value: (point: (typeof points)[number]) => number) => part.reduce((all, one) => all + value(one), 0);
    const samples = sum((point) => point.samples);
    const seconds = sum((point) => point.seconds);
    return [
      formatCount(part.at(-1)?.step ?? 0),
      formatLoss(sum((point) => point.lossSum) / samples),
      formatPercent(sum((point) => point.correct) / samples, 2),
      formatCount(seconds > 0 ? samples / seconds : 0),
    ];
  });
}

function headOf(columns: readonly string[]): HTMLTableRowElement {
  return create('tr', {}, ...columns.map((name) => create('th', { scope: 'col', class: 'number' }, name)));
}

function rowOf([head = '', ...cells]: readonly string[]): HTMLTableRowElement {
  return create(
    'tr',
    {},
    create('th', { scope: 'row', class: 'number' }, head),
    ...cells.map((text) => create('td', { class: 'number' }, text)),
  );
}
