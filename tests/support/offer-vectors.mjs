/** A process that offers a vector of 1,000 floats, says so, and lives until it is killed. */
import { shareVectors } from '../../dist/shared/transport/shared-vectors.js';

const { own } = shareVectors.offer(1000);
own.write(0, 999, Float32Array.of(4.25));
own.publish(0, { generation: 1, step: 4, attempt: 0 });
console.log(JSON.stringify(own.offer));
setInterval(() => {}, 1000);
