/** Draws every state that arrives, part by part. */
import type { LiveState } from '../shared/protocol/live/live-state.ts';
import { watchRuns } from './connection.ts';
import { createDataTables } from './data-tables.ts';
import { byId, setText } from './elements.ts';
import { createEventLog } from './event-log.ts';
import { describeFigures, describeSilence, describeStage, describeSubject } from './figures.ts';
import { createLearningCharts } from './learning-charts.ts';
import { createWorkerRows } from './worker-rows.ts';

const parts = [
  drawHeading,
  drawFigures,
  createLearningCharts(),
  createWorkerRows(),
  createEventLog(),
  createDataTables(),
] as const;
let shown: LiveState | undefined;

watchRuns({
  onState(state) {
    // Another version of the program serves another version of this page.
    if (shown !== undefined && shown.run.version !== state.run.version) return location.reload();
    shown = state;
    for (const draw of parts) draw(state);
  },
  onLost() {
    const status = byId('status', HTMLElement);
    status.dataset.connected = 'no';
    setText(status, [shown && describeStage(shown), describeSilence(shown)].filter(Boolean).join(' – '));
  },
});

function drawHeading(state: LiveState): void {
  const status = byId('status', HTMLElement);
  status.dataset.stage = state.stage.name;
  status.dataset.connected = 'yes';
  setText(status, describeStage(state));
  setText(byId('subject', HTMLElement), describeSubject(state));
  setText(byId('run-id', HTMLElement), `run ${state.run.runId}, pennygrad ${state.run.version}`);
  document.title = `${describeStage(state)} – pennygrad`;
}

function drawFigures(state: LiveState): void {
  const figures = describeFigures(state);
  for (const [name, { value, note }] of Object.entries(figures)) {
    setText(byId(name, HTMLElement), value);
    setText(byId(`${name}-note`, HTMLElement), note);
  }
  byId('progress-bar', HTMLProgressElement).value = figures.progress.ratio;
  const meter = byId('budget-meter', HTMLMeterElement);
  meter.hidden = figures.cost.budgetRatio === undefined;
  meter.value = figures.cost.budgetRatio ?? 0;
}
