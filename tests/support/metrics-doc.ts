import type { Registry } from 'prom-client';

/** What a registry holds, in a table. */
function renderTable(registry: Registry, defaultLabels: readonly string[] = []): string {
  const metrics = registry.getMetricsAsArray().map((metric) => {
    const described = metric as unknown as { type: string; labelNames: readonly string[] };
    const labels = [...defaultLabels, ...described.labelNames].map((label) => `\`${label}\``).join(', ');
    return `| \`${metric.name}\` | ${described.type} | ${labels} | ${metric.help} |`;
  });
  return `| name | type | labels | meaning |
| --- | --- | --- | --- |
${metrics.sort().join('\n')}`;
}

/** `docs/metrics.md`: the metrics of a run and of a worker, with the page's words around them. */
export function renderMetricsDoc(run: Registry, worker: Registry): string {
  return `# Metrics

\`train\` and \`coordinator\` serve these at \`http://127.0.0.1:9464/metrics\` for Prometheus (\`--metrics-port\`,
\`--metrics-host\`), and \`/healthz\` answers with the run's status, epoch, step and number of workers in JSON. If nobody
chose the port and 9464 is taken, another is used and a warning says which.

A \`worker\` label is the worker's name. Names follow Prometheus' conventions: base units, and counters end in
\`_total\`. The process's own metrics (\`process_…\` and \`nodejs_…\`) are on the same page, from a registry of their own.

Every series of a run has the label \`run_id\`, the run's name, besides those in the table.

This page is generated from the code by \`npm run docs:metrics\`, and a test fails when it is out of date.

${renderTable(run)}

## A run that is over

The endpoint ends with the run, once those who scrape it at intervals have seen the end; \`--last-scrape SECONDS\` limits that
wait, 60 unless told otherwise. [observability.md](observability.md) says what \`increase()\` then tells of costs. With
\`--pushgateway URL\` the run leaves its last metrics with a Prometheus Pushgateway, as job \`pennygrad\`, with the host's name as
\`instance\` and the run as \`run_id\`. Histograms, and what is absent once the run has ended, are not among them.

## A worker's own metrics

With \`--worker-metrics PORT\` a worker serves these at \`/metrics\` of that port (and of \`--metrics-host\`), with the metrics of
its process. The local workers of \`train\` take that port and those after it, in the order of their ranks.
Once the worker has joined, all of them, those of the process too, have the label \`run_id\`.

${renderTable(worker, ['worker'])}
`;
}
