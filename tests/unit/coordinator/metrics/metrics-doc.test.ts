import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createMetrics } from '../../../../src/coordinator/metrics/metrics.ts';
import { createOwnMetrics } from '../../../../src/worker/metrics/own-metrics.ts';
import { renderMetricsDoc } from '../../../support/metrics-doc.ts';
import { observedRun } from '../../../support/observed-run.ts';

const page = fileURLToPath(new URL('../../../../docs/metrics.md', import.meta.url));

// `npm run docs:metrics` runs this very test with --update, which writes the page.
test('docs/metrics.md is up to date', async () => {
  const worker = createOwnMetrics('w0', () => process.memoryUsage());
  await expect(renderMetricsDoc(createMetrics(observedRun).application, worker.application)).toMatchFileSnapshot(page);
});
