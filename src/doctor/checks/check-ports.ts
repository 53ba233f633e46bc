import type { PortFacts } from '../facts/port-facts.ts';
import type { Check } from './check.ts';

const flags = { coordinator: '--bind tcp://ADDRESS:PORT', metrics: '--metrics-port PORT' } as const;

export function checkPort({ purpose, host, port, askedFor, free, problem, holder }: PortFacts): Check {
  const name = 'port';
  if (purpose === 'local workers') {
    return free
      ? { name, status: 'ok', line: `a free one on ${host} for local workers` }
      : {
          name,
          status: 'fail',
          line: `none on ${host} for local workers: ${problem}`,
          remedy: `allow this process to listen on ${host}; a sandbox or security policy may forbid it`,
        };
  }
  const where = `${port} on ${host} (${purpose})`;
  if (free) return { name, status: 'ok', line: `${where}: free` };
  const by = holder === undefined ? '' : ` by process ${holder.pid}: ${holder.command}`;
  const line = `${where}: ${problem}${by}`;
  const other = `choose another port with ${flags[purpose]}`;
  if (askedFor) return { name, status: 'fail', line, remedy: other };
  // `train` takes any free port for its workers, and another one for its metrics if necessary.
  const unharmed =
    purpose === 'metrics' ? 'a run will use another port for its metrics' : 'train does not need this port';
  const needing = purpose === 'metrics' ? other : `coordinator does: ${other}`;
  return { name, status: 'warn', line, remedy: `${unharmed}; ${needing}` };
}
