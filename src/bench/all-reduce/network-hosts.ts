/**
 * Hosts that are network namespaces of this machine, each with one link to a switch, which is one as well. Nothing of the
 * machine's own network changes. It takes root, and `ip` and `tc` of iproute2.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { messageOf } from '../../shared/core/errors.ts';

export interface NetworkHost {
  readonly address: string;
  /** The command that starts a program on it. */
  readonly through: readonly string[];
  /** The namespace that it is. */
  readonly name: string;
}

export interface NetworkHosts {
  readonly hosts: readonly NetworkHost[];
  /** The switch's namespace, and its end of each host's link. */
  readonly network: string;
  readonly ports: readonly string[];
  /** All processes on them must have ended. May be called twice. */
  close(): void;
}

/** The name of the link on each host. */
export const linkName = 'eth0';

/**
 * @param count 1 to 200
 * @param bitsPerSecond of each link in each direction; as fast as this machine unless given
 * @throws Error that says what this user or this machine lacks
 */
export function createNetworkHosts(count: number, bitsPerSecond?: number): NetworkHosts {
  removeAbandoned();
  const prefix = `pennygrad-${process.pid}`;
  const network = `${prefix}-switch`;
  const names = Array.from({ length: count }, (_, place) => `${prefix}-${place}`);
  let made: string[] = [];
  const close = () => {
    process.off('exit', close);
    const names = made;
    made = [];
    for (const name of names) runTool('ip', ['netns', 'delete', name]);
  };
  // Whoever is told to end twice does not wait for anything else.
  process.on('exit', close);
  try {
    for (const name of [network, ...names]) {
      runTool('ip', ['netns', 'add', name]);
      made.push(name);
    }
    runTool('ip', ['-n', network, 'link', 'add', 'switch', 'type', 'bridge']);
    runTool('ip', ['-n', network, 'link', 'set', 'switch', 'up']);
    const ports = names.map((name, place) => connect(network, name, place, bitsPerSecond));
    const hosts = names.map((name, place) => ({
      name,
      address: addressOf(place),
      through: ['nsenter', `--net=/run/netns/${name}`],
    }));
    return { hosts, network, ports, close };
  } catch (error) {
    close();
    const advice = process.geteuid?.() === 0 ? '' : '; only root may make them: run this as root, with sudo say';
    throw new Error(`hosts of their own cannot be made here: ${messageOf(error)}${advice}`);
  }
}

/** Hosts that a process left behind which was killed. What cannot be removed is no reason not to go on. */
function removeAbandoned(): void {
  for (const name of namespaces()) {
    const [, pid] = /^pennygrad-(\d+)-(?:switch|\d+)$/.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    spawnSync('ip', ['netns', 'delete', name]);
  }
}

function namespaces(): readonly string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function connect(network: string, name: string, place: number, bitsPerSecond: number | undefined): string {
  const port = `port${place}`;
  runTool('ip', ['-n', network, 'link', 'add', port, 'type', 'veth', 'peer', 'name', linkName, 'netns', name]);
  runTool('ip', ['-n', network, 'link', 'set', port, 'master', 'switch', 'up']);
  runTool('ip', ['-n', name, 'address', 'add', `${addressOf(place)}/24`, 'dev', linkName]);
  for (const device of ['lo', linkName]) runTool('ip', ['-n', name, 'link', 'set', device, 'up']);
  if (bitsPerSecond !== undefined) {
    shape(name, linkName, bitsPerSecond);
    shape(network, port, bitsPerSecond);
  }
  return port;
}

/** A token bucket, which delays what is too much: https://man7.org/linux/man-pages/man8/tc-tbf.8.html */
function shape(name: string, device: string, bitsPerSecond: number): void {
  // It must hold what flows between two ticks of the kernel's timer, 4 ms, and one packet as large as a virtual link sends.
  const burstBytes = Math.max(65_536, Math.ceil((bitsPerSecond / 8) * 0.004));
  const limit = ['rate', `${Math.round(bitsPerSecond)}bit`, 'burst', String(burstBytes), 'latency', '200ms'];
  runTool('tc', ['-n', name, 'qdisc', 'add', 'dev', device, 'root', 'tbf', ...limit]);
}

function addressOf(place: number): string {
  return `10.77.0.${place + 1}`;
}

/** @throws Error with what the tool says */
export function runTool(program: 'ip' | 'tc', args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
}
