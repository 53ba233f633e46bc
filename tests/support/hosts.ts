/** Hosts whose links a test breaks. */
import { createNetworkHosts, runTool } from '../../src/bench/all-reduce/network-hosts.ts';

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

/** @param bitsPerSecond of each link in each direction; as fast as this machine unless given */
export function createHosts(count: number, bitsPerSecond?: number): Hosts {
  const { hosts, network, ports, close } = createNetworkHosts(count, bitsPerSecond);
  return {
    close,
    hosts: hosts.map(({ address, through, name }, place) => {
      const setLink = (state: 'up' | 'down') =>
        runTool('ip', ['-n', network, 'link', 'set', ports[place] ?? '', state]);
      return {
        address,
        through,
        cut: () => setLink('down'),
        mend: () => setLink('up'),
        drop: (other) => runTool('ip', ['-n', name, 'route', 'add', 'blackhole', `${other.address}/32`]),
      };
    }),
  };
}
