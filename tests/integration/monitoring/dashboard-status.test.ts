/** The status that dashboards show, for lives of runs that would take minutes to live: by Prometheus' own unit tests. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type ShownStatus, statusValue } from '../../../deploy/grafana/dashboards/run-status.ts';
import { askedStatus } from '../../support/dashboard-query.ts';
import { needs } from '../../support/machine-parts.ts';
import { failuresOf, inputSeries } from '../../support/promtool.ts';

interface Source {
  readonly instance: string;
  /** Samples every 5 s, as promtool writes them: `_` is none, and `stale` that the target was missed. */
  readonly info: string;
  readonly steps: string;
  readonly ended?: Readonly<Record<string, string>>;
}

const scraped = 'alpha:9464';
const pushed = 'alpha';

/** Each life, as the scrapes of 50 s saw it, and what it is to be called. */
const lives: Readonly<Record<string, { readonly status: ShownStatus; readonly sources: readonly Source[] }>> = {
  'has committed no step': {
    status: 'starting',
    sources: [{ instance: scraped, info: '1x10', steps: '0x10' }],
  },
  'commits steps': { status: 'training', sources: [{ instance: scraped, info: '1x10', steps: '0+9x10' }] },
  'waits for its last scrape': {
    status: 'failed',
    sources: [{ instance: scraped, info: '1x10', steps: '0+9x10', ended: { failed: '_ _ _ _ _ 1x5' } }],
  },
  'ended, as a single scrape saw': {
    status: 'completed',
    sources: [{ instance: scraped, info: '1x4 stale', steps: '0+9x4 stale', ended: { completed: '_ _ _ _ 1 stale' } }],
  },
  'ended, and pushed': {
    status: 'interrupted',
    sources: [
      { instance: scraped, info: '1x4 stale', steps: '0+9x4 stale', ended: { interrupted: '_ _ _ _ 1 stale' } },
      { instance: pushed, info: '_ _ _ _ _ 1x5', steps: '_ _ _ _ _ 36x5', ended: { interrupted: '_ _ _ _ _ 1x5' } },
    ],
  },
  'was killed': { status: 'gone', sources: [{ instance: scraped, info: '1x4 stale', steps: '0+9x4 stale' }] },
  'was killed before its first step': {
    status: 'gone',
    sources: [{ instance: scraped, info: '1x4 stale', steps: '0x4 stale' }],
  },
  'was interrupted, pushed, and resumed': {
    status: 'training',
    sources: [
      { instance: pushed, info: '1x10', steps: '36x10', ended: { interrupted: '1x10' } },
      { instance: scraped, info: '_ _ _ 1x7', steps: '_ _ _ 0+9x7' },
    ],
  },
  'was interrupted, resumed and killed': {
    status: 'gone',
    sources: [
      {
        instance: scraped,
        info: '1 1 1 stale 1 1 1 stale',
        steps: '0 9 18 stale 0 9 18 stale',
        ended: { interrupted: '_ _ 1 stale' },
      },
    ],
  },
  'was interrupted, resumed, and completed': {
    status: 'completed',
    sources: [
      {
        instance: scraped,
        info: '1 1 1 stale 1 1 1 stale',
        steps: '0 9 18 stale 0 9 18 stale',
        ended: { interrupted: '_ _ 1 stale', completed: '_ _ _ _ _ _ 1 stale' },
      },
    ],
  },
};

const { it } = await needs('prometheus');

const input = Object.entries(lives).flatMap(([run, { sources }]) =>
  sources.flatMap(({ instance, info, steps, ended = {} }) => {
    const labels = `job="pennygrad", instance="${instance}", run_id="${run}"`;
    return [
      inputSeries(`pennygrad_run_info{${labels}}`, info),
      inputSeries(`pennygrad_steps_total{${labels}}`, steps),
      ...Object.entries(ended).map(([status, values]) =>
        inputSeries(`pennygrad_run_ended{${labels}, status="${status}"}`, values),
      ),
    ];
  }),
);

it('the status of a run is that of its last life', () => {
  const expected = Object.entries(lives).map(([run, { status }]) => ({
    labels: `{run_id="${run}"}`,
    value: statusValue(status),
  }));
  const asked = { expr: askedStatus('5s', 'pennygrad'), eval_time: '50s', exp_samples: expected };
  expect(failuresOf(input, [asked])).toBeUndefined();
});

it('the query of docs/observability.md finds the runs that are gone, but for those that had ended before', () => {
  const guide = readFileSync(fileURLToPath(new URL('../../../docs/observability.md', import.meta.url)), 'utf8');
  const [, section = ''] = guide.split('\n## Status, from Prometheus\n');
  const [, gone = ''] = [...section.matchAll(/```promql\n([^`]*)```/g)].map(([, query = '']) => query);
  const expected = Object.entries(lives).flatMap(([run, { status, sources }]) =>
    status === 'gone' && sources.every(({ ended }) => ended === undefined)
      ? [{ labels: `{run_id="${run}"}`, value: 1 }]
      : [],
  );
  expect(expected).toHaveLength(2);
  expect(failuresOf(input, [{ expr: gone, eval_time: '50s', exp_samples: expected }])).toBeUndefined();
});
