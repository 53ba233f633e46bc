/** Whether a run lives, and how it ended: what the other panels of a dashboard can't say. */
import type { Panel, Row } from './panel.ts';
import { lookEvery, now, selector } from './promql.ts';

/** In this order they are the values of the query, from 1. */
export const runStatuses = ['starting', 'training', 'completed', 'interrupted', 'failed', 'gone'] as const;
export type ShownStatus = (typeof runStatuses)[number];

export const colourOf: Readonly<Record<ShownStatus, string>> = {
  starting: 'blue',
  training: 'green',
  completed: 'text',
  interrupted: 'orange',
  failed: 'red',
  gone: 'purple',
};

export function statusValue(status: ShownStatus): number {
  return runStatuses.indexOf(status) + 1;
}

const endings = ['completed', 'interrupted', 'failed'] as const;

/** What the series of a run say of it while there are any. A source where it goes on comes before one where it ended. */
const seen = [
  `0 * (${now('pennygrad_steps_total')} > 0) + ${statusValue('training')}`,
  `0 * ${now('pennygrad_run_info')} + ${statusValue('starting')}`,
  ...endings.map(
    (status) =>
      `${statusValue(status)} * max by (run_id) (${selector('pennygrad_run_ended', `status="${status}"`)} == 1)`,
  ),
].join(' or ');

const lastSeen = `last_over_time((${seen})[$__range:${lookEvery}])`;

/** A run without series has the status in which it was seen to end. If it was not, it is gone. */
export const statusQuery = [
  seen,
  `${lastSeen} >= ${statusValue(endings[0])}`,
  `0 * ${lastSeen} + ${statusValue('gone')}`,
].join(' or ');

const panel: Panel = {
  kind: 'status',
  title: 'Status',
  unit: 'none',
  width: 24,
  description:
    'Status of each run that was seen in the time shown. A run is gone when its metrics vanished before they said how it ' +
    'ended: it was killed, it lost its host, or Ctrl-C stopped it and it did not push its metrics.',
  queries: [{ expr: statusQuery, legend: '{{run_id}}' }],
};

/** The first row of every dashboard. */
export const statusRow: Row = { title: 'Runs', panels: [panel] };
