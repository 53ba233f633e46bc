/** Chooses and assigns cores, so that all candidates are measured on the same one. */
import { readFileSync } from 'node:fs';
import { badInput } from '../../shared/core/errors.ts';
import { describeGiven } from '../../shared/core/given-value.ts';
import type { Command, Processes } from './processes.ts';

/** Parses a list of cores in Linux's format: `0-2,5` is 0, 1, 2, 5. */
export function parseCores(list: string): readonly number[] {
  return list.split(',').flatMap((range) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range.trim());
    if (match === null) throw badInput(`--cores must be core numbers such as 0,1 or 0-1, got ${describeGiven(list)}`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** The cores that this process may use; undefined if the system is not Linux. */
export function allowedCores(): readonly number[] | undefined {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return list === undefined ? undefined : parseCores(list);
  } catch {
    return undefined;
  }
}

/** Whether `taskset` (of util-linux) is installed. */
export async function hasTaskset(processes: Processes): Promise<boolean> {
  return processes.output({ program: 'taskset', args: ['--version'] }).then(
    () => true,
    () => false,
  );
}

/** The same command, limited to these cores if there are any. */
export function pinned(command: Command, cores: readonly number[] | undefined): Command {
  if (cores === undefined) return command;
  return { ...command, program: 'taskset', args: ['-c', cores.join(','), command.program, ...command.args] };
}
