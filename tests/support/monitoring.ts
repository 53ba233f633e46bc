/** The real Prometheus and the real Pushgateway, each on a free port of its own choice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { temporaryFolder } from './temporary-folder.ts';

export interface Served {
  readonly url: string;
  stop(): Promise<void>;
}

/** One series of an answer: its labels, and its values at times in Unix seconds. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly { readonly time: number; readonly value: number }[];
}

export interface Prometheus extends Served {
  /** An instant query. @param time Unix seconds; now when left out. A range selector gives the samples as scraped. */
  query(expression: string, time?: number): Promise<readonly Series[]>;
  queryRange(expression: string, from: number, to: number, stepSeconds: number): Promise<readonly Series[]>;
}

export interface Scraped {
  readonly job: string;
  /** HOST:PORT */
  readonly targets: readonly string[];
  /** Of a Pushgateway: what was pushed says whose it is. */
  readonly honorLabels?: boolean;
}

/**
 * @param rules contents of rule files
 * @param interval of scrapes and evaluations, as Prometheus writes it
 */
export async function startPrometheus(
  scraped: readonly Scraped[],
  rules: readonly string[] = [],
  interval = '1s',
): Promise<Prometheus> {
  const folder = temporaryFolder();
  const ruleFiles = rules.map((text, index) => {
    const file = join(folder, `rules-${index}.yml`);
    writeFileSync(file, text);
    return file;
  });
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: ruleFiles,
      scrape_configs: scraped.map(({ job, targets, honorLabels = false }) => ({
        job_name: job,
        honor_labels: honorLabels,
        static_configs: [{ targets }],
      })),
    }),
  );
  return startConfiguredPrometheus(config);
}

/** @param config path of its `prometheus.yml` */
export async function startConfiguredPrometheus(config: string): Promise<Prometheus> {
  const data = join(temporaryFolder(), 'data');
  mkdirSync(data);
  const served = await serve('prometheus', 'prometheus', [...['--config.file', config, '--storage.tsdb.path', data]]);
  const ask = async (path: string, parameters: Record<string, string>) => {
    const response = await fetch(`${served.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    return seriesOf(await response.json(), parameters.query ?? '');
  };
  return {
    ...served,
    query: (query, time) => ask('query', { query, ...(time === undefined ? {} : { time: String(time) }) }),
    queryRange: (query, from, to, stepSeconds) =>
      ask('query_range', { query, start: String(from), end: String(to), step: String(stepSeconds) }),
  };
}

export function startPushgateway(): Promise<Served> {
  // Debian's keeps what was pushed in a file, where the next one would find it.
  return serve('prometheus-pushgateway', 'prometheus-pushgateway', ['--persistence.file=']);
}

async function serve(program: string, debianPackage: string, args: readonly string[]): Promise<Served> {
  const child = spawn(program, [...args, '--web.listen-address=127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const address = await listeningAddress(child, program, debianPackage);
  return {
    url: `http://${address}`,
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

function listeningAddress(child: ChildProcess, program: string, debianPackage: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      log += chunk;
      const address = log.match(/msg="Listening on" address=(\S+)/)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('error', ({ message }) =>
      reject(new Error(`${program}: ${message}; on Debian: apt-get install ${debianPackage}`)),
    );
    child.once('close', () => reject(new Error(`${program} ended before it listened:\n${log}`)));
  });
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly resultType: string; readonly result: readonly unknown[] };
}

function seriesOf(body: unknown, query: string): readonly Series[] {
  const { status, error, data } = body as Answer;
  if (status !== 'success') throw new Error(`${query}: ${error}`);
  type Point = readonly [number, string];
  const toValue = ([time, value]: Point) => ({ time, value: Number(value.replace('Inf', 'Infinity')) });
  if (data.resultType === 'scalar') return [{ metric: {}, values: [toValue(data.result as unknown as Point)] }];
  return (data.result as { metric: Record<string, string>; value?: Point; values?: Point[] }[]).map(
    ({ metric, value, values }) => ({
      metric,
      values: (values ?? (value === undefined ? [] : [value])).map(toValue),
    }),
  );
}
