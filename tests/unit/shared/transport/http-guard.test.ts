import { once } from 'node:events';
import { Agent, get, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createBoundedServer, isOwnHost } from '../../../../src/shared/transport/http-guard.ts';

describe('a Host header', () => {
  it.each([
    'localhost',
    'LOCALHOST:9464',
    'page.localhost',
    '127.0.0.1:9464',
    '10.1.2.3',
    '[::1]:9464',
    '[fe80::1]',
    'trainer',
    'trainer:9464',
    'node7.cluster.example:80',
    'node7.cluster.example.',
  ])('of this machine is %s', (host) => {
    expect(isOwnHost(host, ['node7.cluster.example'])).toBe(true);
  });

  it.each([
    undefined,
    '',
    'evil.example',
    'evil.example:9464',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'a b',
    '@',
  ])('of another is %s', (host) => {
    expect(isOwnHost(host, ['node7.cluster.example'])).toBe(false);
  });
});

describe('a bounded server', () => {
  const open = new Set<Server>();
  afterEach(() => {
    for (const server of open) server.close().closeAllConnections();
    open.clear();
  });

  /** Answers with `size` bytes in a later turn, as metrics are. @returns its port, and how much it has answered */
  async function serve(size: number) {
    const seen = { requests: 0 };
    const server = createBoundedServer((_, response) => {
      seen.requests += 1;
      setImmediate(() => response.end(Buffer.alloc(size)));
    });
    open.add(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return { port: (server.address() as AddressInfo).port, seen };
  }

  it('cuts off who sends request after request and reads no answer', async () => {
    const { port, seen } = await serve(1 << 20);
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2000));
    await new Promise((resolve) => socket.resume().on('close', resolve));
    expect(seen.requests).toBe(4);
  });

  it('answers a connection that waits for each answer as often as it asks', async () => {
    const { port, seen } = await serve(100);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 50; i++) {
      const [response] = await once(get({ port, host: '127.0.0.1', agent }), 'response');
      await once(response.resume(), 'end');
    }
    agent.destroy();
    expect(seen.requests).toBe(50);
  });
});
