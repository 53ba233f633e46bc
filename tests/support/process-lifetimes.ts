/** When processes began and ended, by the kernel's own account: nothing of the code under test. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which Linux keeps at 100 on every architecture that Node runs on (`man 5 proc`). */
const ticksPerSecond = 100;

export interface Lifetime {
  readonly pid: number;
  /** Its command line, by argument. */
  readonly command: readonly string[];
  /** Seconds since boot. */
  readonly startedAt: number;
  endedAt: number | undefined;
}

export interface LifetimeWatch {
  /** Of every child that was seen. */
  stop(): readonly Lifetime[];
}

/** Looks at the children of a process every few milliseconds. */
export function watchChildren(parent: number): LifetimeWatch {
  const seen = new Map<number, Lifetime>();
  const look = () => {
    const now = secondsSinceBoot();
    const alive = new Set<number>();
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      const pid = Number(name);
      const stat = readStat(pid);
      if (stat === undefined || (stat.parent !== parent && !seen.has(pid)) || stat.state === 'Z') continue;
      alive.add(pid);
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      seen.set(pid, { pid, command, startedAt: stat.startedAt, endedAt: undefined });
    }
    for (const life of seen.values()) if (!alive.has(life.pid)) life.endedAt ??= now;
  };
  const timer = setInterval(look, 10);
  return {
    stop() {
      clearInterval(timer);
      look();
      return [...seen.values()];
    },
  };
}

function secondsSinceBoot(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}

/** Fields 3, 4 and 22 of `/proc/PID/stat`; the name before them is in parentheses, and may have any in it. */
function readStat(pid: number): { state: string; parent: number; startedAt: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      state: fields[0] ?? '',
      parent: Number(fields[1]),
      startedAt: Number(fields[19]) / ticksPerSecond,
    };
  } catch {
    return undefined;
  }
}
