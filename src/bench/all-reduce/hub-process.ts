/** The hub of a collective that has one, in a process of its own: `node hub-process.js '{"algorithm": …}'`. */
import { gradientBuckets } from '../../shared/collectives/buckets.ts';
import { collectiveOf } from '../../shared/collectives/registry.ts';
import { deadlinesFrom } from '../../shared/core/deadlines.ts';
import { tcpEndpoint } from '../../shared/core/endpoint.ts';
import { systemTimers } from '../../shared/core/timers.ts';
import { frameBytesFor } from '../../shared/protocol/limits.ts';
import { bindCoordinatorSocket } from '../../shared/transport/coordinator-socket.ts';
import { hubArgumentSchema } from './messages.ts';
import { endWith, runProgram, say, timeoutSeconds, vectorLengths } from './reducing-process.ts';

await runProgram(process.argv[2], hubArgumentSchema, async ({ algorithm, world, floats, address }) => {
  const { createHub } = collectiveOf(algorithm);
  if (createHub === undefined) throw new Error(`${algorithm} has no hub`);
  const hubs = vectorLengths(floats).map((length) => ({
    hub: createHub({ worldSize: world, buckets: gradientBuckets([length]) }),
    attempt: { generation: 0, step: 0, attempt: 0 },
  }));
  const { heartbeatMs, connectionMs, silenceMs } = deadlinesFrom(timeoutSeconds);
  const socket = await bindCoordinatorSocket({
    bind: tcpEndpoint(address, '*'),
    run: '',
    largestFrameBytes: frameBytesFor(floats),
    parameterBytes: floats * Float32Array.BYTES_PER_ELEMENT,
    timers: systemTimers,
    heartbeatMs,
    connectionMs,
    stalledMs: silenceMs,
    onUnreachable: (_, reason) => endWith(`a rank cannot be reached: ${reason}`),
    onDisconnect: () => endWith('a rank is gone'),
  });
  say({ endpoint: socket.endpoint });

  const peers: string[] = [];
  for await (const { peer, messages } of socket.receive(() => true)) {
    for (const decoded of messages) {
      if (!decoded.ok) throw new Error(decoded.detail);
      const { message, tensors } = decoded;
      if (message.type === 'leave') peers[Number(message.phase)] = peer;
      if (message.type !== 'contribute') continue;
      const part = hubs[message.generation];
      if (part === undefined) throw new Error(`there is no generation ${message.generation}`);
      if (message.step > part.attempt.step) {
        // All ranks have the sum of the one before.
        part.hub.forget(part.attempt);
        part.attempt = message;
      }
      const outcome = part.hub.receive(peers.indexOf(peer), message, tensors, performance.now() / 1000);
      if (outcome.kind === 'refused') throw new Error(outcome.reason);
      if (outcome.kind === 'diverged') throw new Error(`float ${outcome.float} is ${outcome.value}`);
      if (outcome.kind !== 'reply') continue;
      for (const { rank, body, tensors: sums } of outcome.replies) socket.send(peers[rank] ?? '', body, sums);
    }
  }
});
