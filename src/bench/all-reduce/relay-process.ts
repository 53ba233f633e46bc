/** Relays to the endpoints of one process, each of which makes the way there longer: `node relay-process.js '{"address": …}'`. */
import { parseEndpoint, tcpEndpoint } from '../../shared/core/endpoint.ts';
import { callAtSteadySecond, steadySeconds } from './delay-line.ts';
import { openDelayingRelay } from './delaying-relay.ts';
import { relayArgumentSchema } from './messages.ts';
import { runProgram, say } from './reducing-process.ts';

await runProgram(process.argv[2], relayArgumentSchema, async ({ address, targets, delaySeconds }) => {
  const endpoints = targets.map(async (target) => {
    const parsed = parseEndpoint(target);
    if (parsed?.transport !== 'tcp' || parsed.port === '*') throw new Error(`nobody can be reached at ${target}`);
    const { host, port } = parsed;
    const relay = await openDelayingRelay({
      host: address,
      target: { host, port },
      delaySeconds,
      now: steadySeconds,
      callAt: callAtSteadySecond,
    });
    return tcpEndpoint(address, relay.port);
  });
  say({ endpoints: await Promise.all(endpoints) });
});
