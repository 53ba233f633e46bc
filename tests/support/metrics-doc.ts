import type { Registry } from 'prom-client';

/** `docs/metrics.md`: what a registry holds, in a table, with the page's words around it. */
export async function renderMetricsDoc(registry: Registry): Promise<string> {
  const metrics = registry.getMetricsAsArray().map((metric) => {
    const described = metric as unknown as { type: string; labelNames: readonly string[] };
    const labels = described.labelNames.map((label) => `\`${label}\``).join(', ');
    return `| \`${metric.name}\` | ${described.type} | ${labels} | ${metric.help} |`;
  });
  return `# Metrics

\`train\` and \`coordinator\` serve these at \`http://127.0.0.1:9464/metrics\` for Prometheus (\`--metrics-port\`,
\`--metrics-host\`), and \`/healthz\` answers with the run's status, epoch, step and number of workers in JSON. If nobody
chose the port and 9464 is taken, another is used and a warning says which.

A \`worker\` label is the worker's name. Names follow Prometheus' conventions: base units, and counters end in
\`_total\`. The process's own metrics (\`process_…\` and \`nodejs_…\`) are on the same page, from a registry of their own.

This page is generated from the code by \`npm run docs:metrics\`, and a test fails when it is out of date.

| name | type | labels | meaning |
| --- | --- | --- | --- |
${metrics.sort().join('\n')}
`;
}
