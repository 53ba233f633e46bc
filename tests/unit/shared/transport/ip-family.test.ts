import { networkInterfaces } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { systemTimers } from '../../../../src/shared/core/timers.ts';
import { bindCoordinatorSocket } from '../../../../src/shared/transport/coordinator-socket.ts';
import { type IpFamily, ipFamilyOf } from '../../../../src/shared/transport/ip-family.ts';
import { connectWorkerSocket } from '../../../../src/shared/transport/worker-socket.ts';
import { needs } from '../../../support/machine-parts.ts';

const withIpv6 = await needs('ipv6');
/** No resolver takes a label of more than 63 letters, so nobody is asked for this one. */
const nobody = `${'a'.repeat(64)}.invalid`;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

test.each([
  ['tcp://127.0.0.1:5555', 4],
  ['tcp://*:5555', 4],
  ['tcp://localhost:5555', 4],
  [`tcp://${Object.keys(networkInterfaces())[0]}:*`, 4],
  ['ipc:///tmp/socket', 4],
  ['tcp://[::1]:5555', 6],
  ['tcp://[fe80::1%eth0]:5555', 6],
])('%s is reached by IPv%i', async (endpoint, family) => {
  expect(await ipFamilyOf(endpoint)).toBe(family);
});

test('a host that does not exist is named, whoever asks', async () => {
  const problem = `there is no host called ${nobody} \\((ENOTFOUND|EAI_\\w+)\\)`;
  await expect(ipFamilyOf(`tcp://${nobody}:5555`)).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(new RegExp(`^${problem}$`)),
  });
  await expect(bind(`tcp://${nobody}:5555`)).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(new RegExp(`^cannot bind tcp://${nobody}:5555: ${problem}; choose another`)),
  });
});

function bind(address: string) {
  return bindCoordinatorSocket({
    bind: address,
    run: 'run-1',
    timers: systemTimers,
    heartbeatMs: 1000,
    connectionMs: 10_000,
    stalledMs: 10_000,
    largestFrameBytes: 1000,
    parameterBytes: 1000,
    onUnreachable() {},
    onDisconnect() {},
  });
}

/** Sends a message to the coordinator. @returns its type as it arrives */
async function ping(address: string, connectTo: (endpoint: string) => string, family: IpFamily): Promise<unknown> {
  const coordinator = await bind(address);
  const worker = connectWorkerSocket({
    connect: connectTo(coordinator.endpoint),
    family,
    timers: systemTimers,
    stalledMs: () => 10_000,
    onUnreachable() {},
    onDisconnect() {},
  });
  closing.push(coordinator.close, worker.close);
  worker.send({ type: 'ping', sentUnixMs: 1 });
  for await (const { messages } of coordinator.receive(() => false)) {
    const [decoded] = messages;
    return decoded?.ok === true && decoded.message.type;
  }
  return undefined;
}

withIpv6.describe('by IPv6', () => {
  test('a worker reaches a coordinator', async () => {
    expect(await ping('tcp://[::1]:*', (endpoint) => endpoint, 6)).toBe('ping');
  });

  test('a coordinator that listens on every address is reached by both', async () => {
    const onPort = (host: string) => (endpoint: string) => endpoint.replace('[::]', host);
    expect(await ping('tcp://[::]:*', onPort('[::1]'), 6)).toBe('ping');
    expect(await ping('tcp://[::]:*', onPort('127.0.0.1'), 4)).toBe('ping');
  });
});
