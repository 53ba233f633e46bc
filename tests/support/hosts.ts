/** Hosts that are network namespaces of this machine, each with one link to a switch, which is one as well. */
import { execFileSync } from 'node:child_process';

export interface Host {
  readonly address: string;
  /** The command that starts a program on it. */
  readonly through: readonly string[];
  /** Its link is down, for as long as a test wants. */
  cut(): void;
  mend(): void;
  /** Packets to another host are dropped, and it does not learn of it. */
  drop(other: Host): void;
}

export interface Hosts {
  readonly hosts: readonly Host[];
  /** All processes on them must have ended. */
  close(): void;
}

/** @param rate of each link in each direction, as `tc` writes it, for example `100mbit`; as fast as memory unless given */
export function createHosts(count: number, rate?: string): Hosts {
  const prefix = `pg${process.pid}`;
  const nameOf = (place: number) => `${prefix}-${place}`;
  const network = `${prefix}-switch`;
  const names = [network, ...Array.from({ length: count }, (_, place) => nameOf(place))];
  const close = () => {
    for (const name of names) ip('netns', 'delete', name);
  };
  for (const name of names) ip('netns', 'add', name);
  ip('-n', network, 'link', 'add', 'switch', 'type', 'bridge');
  ip('-n', network, 'link', 'set', 'switch', 'up');
  const hosts = Array.from({ length: count }, (_, place): Host => {
    const [name, port, address] = [nameOf(place), `port${place}`, `10.77.0.${place + 1}`];
    ip('-n', network, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', network, 'link', 'set', port, 'master', 'switch', 'up');
    ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up');
    if (rate !== undefined) {
      for (const [where, device] of [
        [network, port],
        [name, 'eth0'],
      ] as const) {
        const limit = ['rate', rate, 'burst', '64kb', 'latency', '200ms'];
        execFileSync('tc', ['-n', where, 'qdisc', 'add', 'dev', device, 'root', 'tbf', ...limit]);
      }
    }
    return {
      address,
      through: ['nsenter', `--net=/run/netns/${name}`],
      cut: () => ip('-n', network, 'link', 'set', port, 'down'),
      mend: () => ip('-n', network, 'link', 'set', port, 'up'),
      drop: (other) => ip('-n', name, 'route', 'add', 'blackhole', `${other.address}/32`),
    };
  });
  return { hosts, close };
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}
