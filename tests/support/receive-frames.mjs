/**
 * Receives MEBIBYTES of ZeroMQ frames, a few at a time, and prints the most that was left of their memory in between:
 * `receive-frames.mjs MEBIBYTES LIMIT`. It waits until what is left is below LIMIT bytes, or for twenty seconds: V8 frees what
 * it has collected on another thread, which gets no processor for a while on a busy machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Dealer, Router } from 'zeromq';
import { createMessageMemory } from '../../dist/shared/transport/message-memory.js';

const [mebibytes, limit] = process.argv.slice(2).map(Number);
const frame = new Uint8Array(1 << 17);
/** More than after which frames are to be collected, and less than after which V8 does so by itself. */
const framesAtOnce = (16 << 20) / frame.length;
const router = new Router();
await router.bind('tcp://127.0.0.1:*');
const dealer = new Dealer();
dealer.connect(router.lastEndpoint);

const memory = createMessageMemory();
const before = process.memoryUsage().external;
let most = 0;
for (let received = 0; received < mebibytes << 20; received += framesAtOnce * frame.length) {
  const sent = send();
  for (let i = 0; i < framesAtOnce; i++) {
    const [, frameReceived] = await router.receive();
    memory.received(frameReceived.length);
  }
  await sent;
  most = Math.max(most, await left());
}
dealer.close();
router.close();
console.log(JSON.stringify({ most }));

async function send() {
  for (let i = 0; i < framesAtOnce; i++) await dealer.send(frame);
}

/** Looks seldom: what it allocates meanwhile must not make V8 collect by itself. */
async function left() {
  let bytes = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 100; look++) {
    bytes = process.memoryUsage().external - before;
    if (bytes < limit) return bytes;
    await sleep(200);
    // V8 looks at what the other thread has freed when the next buffer is made.
    new Uint8Array(1);
  }
  // Once is enough to fail.
  console.log(JSON.stringify({ most: bytes }));
  process.exit();
}
