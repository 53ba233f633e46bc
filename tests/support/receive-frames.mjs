// Receives MEBIBYTES of ZeroMQ frames, and prints the most that their memory came to: `receive-frames.mjs MEBIBYTES`.
import { Dealer, Router } from 'zeromq';
import { createMessageMemory } from '../../dist/shared/transport/message-memory.js';

const frame = new Uint8Array(1 << 17);
const frames = (Number(process.argv[2]) << 20) / frame.length;
const router = new Router();
await router.bind('tcp://127.0.0.1:*');
const dealer = new Dealer();
dealer.connect(router.lastEndpoint);

const memory = createMessageMemory();
const before = process.memoryUsage().external;
let most = 0;
const sent = send();
for (let i = 0; i < frames; i++) {
  const [, received] = await router.receive();
  memory.received(received.length);
  most = Math.max(most, process.memoryUsage().external - before);
}
await sent;
dealer.close();
router.close();
console.log(JSON.stringify({ most }));

async function send() {
  for (let i = 0; i < frames; i++) await dealer.send(frame);
}
