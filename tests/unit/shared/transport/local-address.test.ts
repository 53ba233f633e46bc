import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { localAddressTowards } from '../../../../src/shared/transport/local-address.ts';

it.each(['tcp://127.0.0.1:5555', 'tcp://localhost:5555', 'ipc:///tmp/socket', 'tcp://127.0.0.1:*', 'nonsense'])(
  'is none towards this host, or no address: %s',
  async (endpoint) => {
    expect(await localAddressTowards(endpoint, 4)).toBeUndefined();
  },
);

it('is none over IPv6 towards this host', async () => {
  expect(await localAddressTowards('tcp://[::1]:5555', 6)).toBeUndefined();
});

it('is an address of this host towards another one, if there is a way to it', async () => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = own.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address);
  // An address of no machine (RFC 5737).
  const found = await localAddressTowards('tcp://192.0.2.1:5555', 4);
  expect([...outside, undefined]).toContain(found);
});

it('is none where the host has no address', async () => {
  expect(await localAddressTowards('tcp://nowhere.invalid:5555', 4)).toBeUndefined();
});
