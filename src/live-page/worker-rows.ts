import { formatPercent, formatUsd } from '../shared/core/number-format.ts';
import { type LiveState, type LiveWorker, shownPhases } from '../shared/protocol/live/live-state.ts';
import { byId, create, setAttributes, setText } from './elements.ts';
import { describeStatus, nothing } from './figures.ts';

interface Row {
  readonly element: HTMLTableRowElement;
  update(worker: LiveWorker): void;
}

/** A row for each worker. A row is kept as long as its worker, and only what changed is drawn. */
export function createWorkerRows(): (state: LiveState) => void {
  const body = byId('workers', HTMLTableSectionElement);
  byId('phase-legend', HTMLElement).append(...shownPhases.map((phase) => create('span', { class: phase }, phase)));
  const rows = new Map<string, Row>();

  return ({ workers }) => {
    const ids = new Set(workers.map(({ workerId }) => workerId));
    for (const [id, { element }] of rows) {
      if (ids.has(id)) continue;
      element.remove();
      rows.delete(id);
    }
    workers.forEach((worker, index) => {
      const row = rows.get(worker.workerId) ?? createRow(worker.workerId);
      rows.set(worker.workerId, row);
      row.update(worker);
      const place = body.children.item(index);
      if (place !== row.element) body.insertBefore(row.element, place);
    });
  };
}

function createRow(workerId: string): Row {
  const status = create('small');
  const device = create('span');
  const host = create('small');
  const share = createCell('number', 'Share');
  const segments = shownPhases.map((phase) => ({ phase, element: create('span', { class: phase }) }));
  const bar = create('div', { class: 'bar', 'aria-hidden': 'true' }, ...segments.map(({ element }) => element));
  const inWords = create('small');
  const price = createCell('number', 'Price');
  const cost = createCell('number', 'Cost');
  const element = create(
    'tr',
    {},
    create('th', { scope: 'row' }, workerId, status),
    createCell('device', 'Device', device, host),
    share,
    createCell('wide', 'Time', bar, inWords),
    ...[price, cost],
  );
  return {
    element,
    update(worker) {
      setAttributes(element, { 'data-status': worker.status });
      setText(status, describeStatus(worker));
      setText(device, worker.device ?? worker.backend ?? nothing);
      const gpu = worker.gpuUtilization;
      setText(host, gpu === undefined ? worker.host : `${worker.host} · GPU ${formatPercent(gpu, 0)}`);
      setText(share, worker.share === undefined ? nothing : formatPercent(worker.share));
      for (const { phase, element: segment } of segments) segment.style.flexGrow = String(worker.phases?.[phase] ?? 0);
      setText(inWords, describePhases(worker));
      setText(price, describePrice(worker));
      setAttributes(price, { title: worker.priceAssumed ?? '' });
      setText(cost, worker.costUsd === undefined ? nothing : formatUsd(worker.costUsd));
    },
  };
}

/** @param label shown beside the cell on a narrow screen, where a row is laid out as a card and the heading is hidden */
function createCell(kind: string, label: string, ...children: readonly Node[]): HTMLTableCellElement {
  return create('td', { class: kind, 'data-label': label }, ...children);
}

function describePrice({ priceUsdPerHour, priceAssumed }: LiveWorker): string {
  if (priceUsdPerHour === undefined) return nothing;
  return `${formatUsd(priceUsdPerHour)}/h${priceAssumed === undefined ? '' : ' assumed'}`;
}

function describePhases({ phases }: LiveWorker): string {
  if (phases === undefined) return nothing;
  const shown = shownPhases.filter((phase) => phases[phase] >= 0.005);
  return shown.map((phase) => `${phase} ${formatPercent(phases[phase], 0)}`).join(' · ');
}
