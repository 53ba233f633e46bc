import { z } from 'zod';
import { defaultMetricsPort } from '../../coordinator/metrics/endpoint/metrics-server.ts';
import type { Check } from '../../doctor/checks/check.ts';
import { engineState, explainEngine } from '../../doctor/checks/check-engines.ts';
import { type DiagnoseOptions, type Diagnosis, diagnose } from '../../doctor/diagnose.ts';
import type { EngineFacts } from '../../doctor/facts/try-engine.ts';
import { engineProviders } from '../../engine/engines.ts';
import { type Column, renderTable } from '../../report/terminal/table.ts';
import { sourceSettings } from '../../settings/data-settings.ts';
import { bindSetting } from '../../settings/membership-settings.ts';
import { observabilitySettings } from '../../settings/observability-settings.ts';
import { folderSettings, printSettings } from '../../settings/output-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { connectAddress, flag, positive } from '../../settings/schemas.ts';
import { withoutDefault } from '../../settings/setting.ts';
import { parseEndpoint } from '../../shared/core/endpoint.ts';
import { exitCodes } from '../../shared/core/errors.ts';
import { formatCount } from '../../shared/core/number-format.ts';
import { pennygradVersion, requiredNode } from '../../shared/core/version.ts';
import type { Command } from '../command.ts';
import { paint, terminalColumns } from '../terminal.ts';

const doctorSettings = {
  connect: {
    type: 'string',
    describe: 'Also check the latency, clock and version of the coordinator at tcp://HOST:PORT',
    schema: connectAddress.optional(),
  },
  seconds: {
    type: 'string',
    describe: 'Seconds to measure each engine for',
    defaultText: '2',
    schema: positive.pipe(z.number().max(600, 'at most 600')).default(2),
  },
  bench: {
    type: 'boolean',
    describe: 'Measure the engines; --no-bench only checks that they are there',
    schema: flag.default(true),
  },
  ...sourceSettings,
  out: { ...folderSettings.out, describe: 'Folder that runs will be written to', defaultText: 'runs' },
  bind: { ...withoutDefault(bindSetting), defaultText: bindSetting.defaultText },
  metricsPort: observabilitySettings.metricsPort,
  metricsHost: observabilitySettings.metricsHost,
  json: { ...printSettings.json, describe: 'Print one JSON object on stdout, with everything that was measured' },
} as const;

/** A worker's share of the default global batch of `train`. */
const batchSize = 32;

export const doctorCommand: Command = {
  settings: doctorSettings,
  examples: [
    ['$0 doctor', 'everything, about ten seconds'],
    ['$0 doctor --no-bench --json', 'without measuring, for machines'],
    ['$0 doctor --connect tcp://10.0.0.1:5555', 'can this host work for that coordinator?'],
  ],
  options: (command) =>
    command.epilogue('Exit codes: 0 when the main job can run here, 3 when it cannot; warnings do not count.'),
  async run(argv) {
    const settings = resolveSettings(doctorSettings, argv, process.env, undefined);
    const progress = createProgress(!settings.json);
    const diagnosis = await diagnose({
      version: pennygradVersion,
      requiredNode,
      batchSize,
      connect: settings.connect,
      engines: engineProviders.map(({ name }) => name),
      seconds: settings.bench ? settings.seconds : 0,
      dataDir: settings.dataDir,
      cacheDir: settings.cacheDir,
      mirrors: settings.mirrors,
      ports: portsToTry(settings),
      runsFolder: settings.out ?? 'runs',
      onProgress: progress.show,
    });
    progress.clear();
    const healthy = diagnosis.checks.every(({ status }) => status !== 'fail');
    console.log(settings.json ? JSON.stringify(asRecord(diagnosis, healthy)) : render(diagnosis, healthy));
    process.exitCode = healthy ? exitCodes.done : exitCodes.runFailed;
  },
};

/** The ports that `coordinator` and `train` would use. A port that the system chooses cannot be taken. */
function portsToTry(settings: {
  readonly bind: string | undefined;
  readonly metricsPort: number | undefined;
  readonly metricsHost: string;
}): DiagnoseOptions['ports'] {
  const bind = settings.bind ?? bindSetting.defaultText;
  const endpoint = parseEndpoint(bind);
  const { host, port } = endpoint?.transport === 'tcp' ? endpoint : { host: '*', port: '*' };
  const metrics = settings.metricsPort ?? defaultMetricsPort;
  const asked = [
    {
      purpose: 'coordinator',
      host: host === '*' ? '0.0.0.0' : host,
      port: port === '*' ? 0 : Number(port),
      askedFor: settings.bind !== undefined,
    },
    { purpose: 'metrics', host: settings.metricsHost, port: metrics, askedFor: settings.metricsPort !== undefined },
  ] as const;
  return [
    { purpose: 'local workers', host: '127.0.0.1', port: 0, askedFor: true },
    ...asked.filter(({ port }) => port !== 0),
  ];
}

/** One line on stderr that is overwritten; nothing where stderr is not a terminal. */
function createProgress(wanted: boolean) {
  const shown = wanted && process.stderr.isTTY === true;
  const clear = () => shown && process.stderr.write('\r\u001b[K');
  return {
    show(doing: string) {
      clear();
      if (shown) process.stderr.write(`${doing} …`);
    },
    clear,
  };
}

function render({ facts, checks }: Diagnosis, healthy: boolean): string {
  const table = renderTable(engineColumns, facts.engines, { columns: terminalColumns(), paint });
  const failed = checks.filter(({ status }) => status === 'fail').length;
  const verdict = healthy
    ? paint('green', 'The main job can run here: pennygrad train')
    : paint('red', `The main job cannot run here: ${failed === 1 ? 'one check' : `${failed} checks`} failed`);
  return [
    paint('bold', `pennygrad ${pennygradVersion}`),
    table,
    ...facts.engines.flatMap(renderWhy),
    '',
    ...checks.map(renderCheck),
    '',
    verdict,
  ].join('\n');
}

const engineColumns: readonly Column<EngineFacts>[] = [
  { head: 'engine', cell: ({ engine }) => engine, align: 'left' },
  { head: 'state', cell: engineState, align: 'left' },
  { head: 'samples/s', cell: ({ speed }) => (speed === undefined ? '–' : formatCount(speed.samplesPerSecond)) },
  { head: 'batch', cell: ({ speed }) => (speed === undefined ? '–' : formatCount(speed.batchSize)), expendable: 1 },
  { head: 'device', cell: ({ availability }) => (availability?.usable ? availability.device : '–'), align: 'left' },
];

function renderWhy(facts: EngineFacts): string[] {
  const { why, remedy } = explainEngine(facts);
  return why === undefined ? [] : [` ${facts.engine}: ${why}`, ...(remedy === undefined ? [] : [`   → ${remedy}`])];
}

const marks = { ok: paint('green', 'ok  '), warn: paint('yellow', 'warn'), fail: paint('red', 'FAIL') } as const;

function renderCheck({ name, status, line, remedy }: Check): string {
  const advice = remedy === undefined ? '' : `\n${' '.repeat(18)}→ ${remedy}`;
  return `${marks[status]}  ${name.padEnd(11)} ${line}${advice}`;
}

/** With keys in snake case, as in summary.json. */
function asRecord({ facts, checks }: Diagnosis, healthy: boolean): unknown {
  return snakeCased({ pennygrad: pennygradVersion, healthy, checks, ...facts });
}

function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== 'object' || value === null) return value;
  const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snake(key), snakeCased(inner)]));
}
