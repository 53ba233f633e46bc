/** Which cores the benchmark uses, so that every candidate has the same one to itself. */
import { readFileSync } from 'node:fs';
import { badInput } from '../../shared/core/errors.ts';
import type { Command, Processes } from './processes.ts';

/** Cores of a list as Linux writes them: `0-2,5` is 0, 1, 2, 5. */
export function parseCores(list: string): readonly number[] {
  return list.split(',').flatMap((range) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range.trim());
    if (match === null) throw badInput(`--cores must be core numbers such as 0,1 or 0-1, got '${list}'`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** The cores that this process may use, or undefined where the system does not say (anywhere but on Linux). */
export function allowedCores(): readonly number[] | undefined {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return list === undefined ? undefined : parseCores(list);
  } catch {
    return undefined;
  }
}

/** Whether `taskset`, of util-linux, can be run here. */
export async function hasTaskset(processes: Processes): Promise<boolean> {
  return processes.output({ program: 'taskset', args: ['--version'] }).then(
    () => true,
    () => false,
  );
}

/** The same command, kept to these cores; as it was where none are given. */
export function pinned(command: Command, cores: readonly number[] | undefined): Command {
  if (cores === undefined) return command;
  return { ...command, program: 'taskset', args: ['-c', cores.join(','), command.program, ...command.args] };
}
