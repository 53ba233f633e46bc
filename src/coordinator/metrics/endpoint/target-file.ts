/** A file that tells a Prometheus where a run serves its metrics, in a folder that its file-based discovery reads. */
import { readdirSync, rmSync, unlinkSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { badInput, codeOf, messageOf } from '../../../shared/core/errors.ts';
import { bestEffort, removeStaleFileDrafts, writeFileAtomically } from '../../../shared/files/atomic-files.ts';
import { readBoundedText } from '../../../shared/files/bounded-file.ts';
import { fileLimits } from '../../../shared/files/file-limits.ts';
import { makeFolder } from '../../../shared/files/make-folder.ts';
import { isThere, type ProcessIdentity, thisProcess } from '../../../shared/files/process-identity.ts';

export interface TargetFile {
  /** May be called twice. @returns what went wrong, in a line */
  remove(): string | undefined;
}

export interface ScrapeTarget {
  readonly runId: string;
  /** HOST:PORT, as Prometheus reaches it. */
  readonly address: string;
}

/** Prometheus drops labels that begin with `__meta_` once it has the target, so they cannot clash with those of metrics. */
const fileSchema = z.array(
  z.object({
    labels: z.object({
      __meta_pennygrad_host: z.string(),
      __meta_pennygrad_pid: z.string().regex(/^\d+$/),
      __meta_pennygrad_namespace: z.string(),
      __meta_pennygrad_started: z.string(),
    }),
  }),
);

/**
 * Writes the file of a run, and removes those of runs on this host that were killed.
 * @throws bad-input naming the flag when the folder cannot be written
 */
export function writeTargetFile(folder: string, { runId, address }: ScrapeTarget): TargetFile {
  const file = join(folder, `pennygrad-${runId.replace(/[^\w.-]/g, '_')}.json`);
  const content = contentOf({ runId, address }, thisProcess());
  try {
    makeFolder(folder);
    removeStaleFileDrafts(folder, isTargetFile);
    removeLeftFiles(folder);
    writeFileAtomically(file, content);
  } catch (error) {
    throw badInput(`--prometheus-targets ${folder}: cannot be written: ${messageOf(error)}`, error);
  }
  return {
    remove() {
      try {
        // Another process may have resumed the same run, from a copy of its folder.
        if (readBoundedText(file, fileLimits.lock) === content) rmSync(file);
        return undefined;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        return `${file} is left, and names a target that is gone: ${messageOf(error)}`;
      }
    },
  };
}

function contentOf({ runId, address }: ScrapeTarget, { host, pid, namespace, started }: ProcessIdentity): string {
  const labels = {
    __meta_pennygrad_run_id: runId,
    __meta_pennygrad_host: host,
    __meta_pennygrad_pid: String(pid),
    __meta_pennygrad_namespace: namespace,
    __meta_pennygrad_started: started,
  };
  return `${JSON.stringify([{ targets: [address], labels }], null, 2)}\n`;
}

function isTargetFile(name: string): boolean {
  return /^pennygrad-.*\.json$/.test(name);
}

/**
 * Files of other hosts and containers stay: nothing can be said of their processes. In a folder that users share, those of
 * other users stay too: only they can remove them.
 */
function removeLeftFiles(folder: string): void {
  for (const name of (bestEffort(() => readdirSync(folder)) ?? []).filter(isTargetFile)) {
    const file = join(folder, name);
    const writer = writerOf(file);
    if (writer !== undefined && isThere(writer) === false) bestEffort(() => unlinkSync(file));
  }
}

/** @returns undefined when the file is no such file */
function writerOf(file: string): ProcessIdentity | undefined {
  try {
    const [target] = fileSchema.parse(JSON.parse(readBoundedText(file, fileLimits.lock)));
    if (target === undefined) return undefined;
    const { labels } = target;
    return {
      host: labels.__meta_pennygrad_host,
      pid: Number(labels.__meta_pennygrad_pid),
      namespace: labels.__meta_pennygrad_namespace,
      started: labels.__meta_pennygrad_started,
    };
  } catch {
    return undefined;
  }
}

export interface ServedMetrics {
  /** The address on which the run listens. */
  readonly metricsHost: string;
  readonly port: number;
  /** `--prometheus-host` */
  readonly prometheusHost: string | undefined;
  /** The name of this host, by which others reach a run that listens on every address. */
  readonly hostname: string;
}

/** Where Prometheus reaches a run. */
export function targetAddress({ metricsHost, port, prometheusHost, hostname }: ServedMetrics): string {
  const isEvery = ['0.0.0.0', '::'].includes(metricsHost);
  const host = prometheusHost ?? (isEvery ? hostname : metricsHost);
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
