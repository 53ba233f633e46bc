import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const highestPort = 65_535;

/** The ports that Linux gives to whoever asks for any: to every outgoing connection, too. 49152 on is IANA's range. */
function portsGivenToAnyone(): { from: number; to: number } {
  try {
    const [from, to] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
    if (from !== undefined && to !== undefined && from < to) return { from, to };
  } catch {
    // Not Linux.
  }
  return { from: 49_152, to: highestPort };
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * A port that nobody listens on, for those who must know it before the program that will.
 *
 * It stays free until then: it is none of those that the system gives to whoever asks for any port, which other tests do
 * all the time, by their connections too.
 */
export async function freePort(): Promise<number> {
  const { from, to } = portsGivenToAnyone();
  const below = { from: 10_000, to: from };
  const above = { from: to + 1, to: highestPort + 1 };
  const widest = below.to - below.from >= above.to - above.from ? below : above;
  // Where the system keeps nearly all to itself, any will have to do.
  const range = widest.to - widest.from >= 1_000 ? widest : { from: 10_000, to: highestPort + 1 };
  for (;;) {
    const port = randomInt(range.from, range.to);
    if (await isFree(port)) return port;
  }
}
