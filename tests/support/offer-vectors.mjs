/** A process that offers a vector of 1,000 floats, says so, and lives until it is killed. */
import { vectorsInMemory } from '../../dist/shared/transport/vectors-in-memory.js';

const { own } = await vectorsInMemory.offer(1000);
own.write(0, 999, Float32Array.of(4.25));
own.publish(0, { attempt: { generation: 1, step: 4, attempt: 0 }, figures: [0, 8, 1.5, 6, 1, 0.25] });
console.log(JSON.stringify(own.offer));
setInterval(() => {}, 1000);
