/** What the NVIDIA driver reports about its cards, through the `nvidia-smi` that comes with every driver. */
import { PennygradError } from '../../shared/core/errors.ts';
import type { RunProgram } from '../run-program.ts';

/** A card. Readings that it does not report are missing; a card without memory of its own reports no memory. */
export interface Gpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly driverVersion: string;
  readonly memoryTotalBytes?: number;
  readonly memoryUsedBytes?: number;
  /** Share of the last sample period in which a kernel ran, 0 to 1. */
  readonly utilizationRatio?: number;
  readonly temperatureCelsius?: number;
  readonly powerWatts?: number;
}

/** The name is last because it may contain commas. */
const fields = [
  ...['index', 'uuid', 'driver_version', 'memory.total', 'memory.used', 'utilization.gpu', 'temperature.gpu'],
  ...['power.draw', 'name'],
];

const mebibyte = 2 ** 20;

/** A driver that hangs must not hang the caller. */
const timeoutMs = 10_000;

/**
 * The cards of this host, in the driver's order; none if there is no driver.
 * @param card only this card, by index or UUID
 * @throws PennygradError with the driver's message if the driver fails
 */
export async function listGpus(run: RunProgram, card?: string): Promise<readonly Gpu[]> {
  const only = card === undefined ? [] : ['-i', card];
  const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits', ...only];
  const { code, stdout, stderr, missing } = await run('nvidia-smi', query, { timeoutMs });
  if (missing) return [];
  if (code !== 0) {
    const words = `${stdout}\n${stderr}`.trim().split('\n')[0];
    if (/^No devices were found/.test(words ?? '')) return [];
    throw new PennygradError('run-failed', `nvidia-smi failed: ${words || 'it did not answer'}`);
  }
  return parseGpus(stdout);
}

/** Parses the output of `nvidia-smi --format=csv,noheader,nounits` for `fields`. Other lines are skipped. */
export function parseGpus(csv: string): readonly Gpu[] {
  return csv.split('\n').flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    const [index, uuid, driverVersion, total, used, utilization, temperature, power] = cells;
    const name = cells.slice(fields.length - 1).join(', ');
    if (!/^\d+$/.test(index ?? '') || uuid === undefined || driverVersion === undefined || name === '') return [];
    return {
      index: Number(index),
      uuid,
      name,
      driverVersion,
      ...reported('memoryTotalBytes', total, mebibyte),
      ...reported('memoryUsedBytes', used, mebibyte),
      ...reported('utilizationRatio', utilization, 1 / 100),
      ...reported('temperatureCelsius', temperature, 1),
      ...reported('powerWatts', power, 1),
    };
  });
}

/** No field for cells that are not numbers: `[N/A]`, `[Not Supported]`, `[Unknown Error]`, `[GPU requires reset]`. */
function reported<Key extends keyof Gpu>(key: Key, cell: string | undefined, unit: number): { [K in Key]?: number } {
  const found = /^\d+(\.\d+)?/.exec(cell ?? '');
  return found === null ? {} : ({ [key]: Number(found[0]) * unit } as { [K in Key]?: number });
}
