/** On which hosts simulated workers are, and how they read each other's gradients there and from elsewhere. */
import type { Random } from '../../../src/shared/core/random.ts';
import type { VectorsInMemory, VectorsOnNetwork } from '../../../src/shared/protocol/messages.ts';
import { shareVectors } from '../../../src/shared/transport/share-vectors.ts';
import type { VectorSharing, VectorWay } from '../../../src/shared/transport/vectors.ts';
import { createMemoryVectors } from '../../support/memory-vectors.ts';
import { createNetworkVectors } from '../../support/network-vectors.ts';
import type { SimulatedProcess } from '../../support/simulated-process.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';

export interface SimulatedHosts {
  /** What a worker of this process offers, and how it reads what others do. */
  sharingOf(process: SimulatedProcess): VectorSharing;
}

export interface HostsOptions {
  readonly hosts: number;
  /** Nothing gets from host to host but what the coordinator sends. */
  readonly areWalled: boolean;
  readonly time: VirtualTime;
  readonly random: Random;
}

/** The longest that the byte takes that tells of something to read, and a message between hosts, in milliseconds. */
const [longestRingMs, longestFlightMs] = [4, 4];
/** A connection breaks with one of so many messages. */
const breaksOnceIn = 40;
/** How long a process that is frozen is waited for. */
const patienceMs = 2000;

const nowhere: VectorWay<VectorsOnNetwork> = {
  offer: async () => ({ problem: 'no other host reaches it' }),
  open: async () => ({ problem: 'it reaches no other host' }),
};

export function createSimulatedHosts({ hosts, areWalled, time, random }: HostsOptions): SimulatedHosts {
  let offers = 0;
  const hostOfNext = () => `host ${offers++ % hosts}`;
  const memory = createMemoryVectors(hostOfNext, (listener) =>
    time.timers.after(random.float() * longestRingMs, listener),
  );
  /** Whose vectors have which descriptor, and which address. */
  const owners = new Map<number | string, SimulatedProcess>();

  async function problemWith(owner: SimulatedProcess | undefined): Promise<string | undefined> {
    if (owner === undefined || !owner.isAlive()) return 'its process is gone';
    const answered = await new Promise<boolean>((resolve) => {
      owner.run(() => resolve(true));
      time.timers.after(patienceMs, () => resolve(false));
    });
    return answered ? undefined : 'its process said nothing for 2 s';
  }

  /** What others publish is heard of in this process. */
  function memoryFor(process: SimulatedProcess): VectorWay<VectorsInMemory> {
    let ownHost: string | undefined;
    return {
      async offer(floats) {
        const offered = await memory.offer(floats);
        if ('problem' in offered) return offered;
        owners.set(offered.own.offer.fd, process);
        ownHost = offered.own.offer.host;
        return offered;
      },
      async open(offer, options) {
        if (offer.host !== ownHost) return { problem: 'it is on another host' };
        const problem = await problemWith(owners.get(offer.fd));
        if (problem !== undefined) return { problem };
        return memory.open(offer, { ...options, onPublished: () => process.run(options.onPublished) });
      },
    };
  }

  const network = createNetworkVectors();

  /**
   * Messages of a sender arrive in order. What has not arrived when it is killed is lost, and so is what is under way on a
   * connection that breaks, which is then made again.
   */
  function networkFor(process: SimulatedProcess): VectorWay<VectorsOnNetwork> {
    const connections = new Map<string, { lastArrival: number; isWhole: boolean }>();
    const own = network((address, deliver, resend) => {
      const connection = connections.get(address) ?? { lastArrival: 0, isWhole: true };
      connections.set(address, connection);
      // Nobody is known to be there until it has connected again.
      if (!connection.isWhole) return;
      const now = time.clock.now() * 1000;
      const at = Math.max(connection.lastArrival, now + random.float() * longestFlightMs);
      connection.lastArrival = at;
      const sender = owners.get(address);
      if (random.integer(breaksOnceIn) === 0) {
        connection.isWhole = false;
        time.timers.after(at - now, () => {
          connections.delete(address);
          if (sender?.isAlive() === true) resend();
        });
        return;
      }
      time.timers.after(at - now, () => {
        if (connection.isWhole && sender?.isAlive() === true) process.run(deliver);
      });
    });
    return {
      async offer(floats) {
        const offered = await own.offer(floats);
        if ('own' in offered) for (const address of offered.own.offer.addresses) owners.set(address, process);
        return offered;
      },
      async open(offer, options) {
        const problem = await problemWith(owners.get(offer.addresses[0] ?? ''));
        return problem === undefined ? own.open(offer, options) : { problem };
      },
    };
  }

  return {
    sharingOf: (process) =>
      shareVectors({ memory: memoryFor(process), network: areWalled ? nowhere : networkFor(process) }),
  };
}
