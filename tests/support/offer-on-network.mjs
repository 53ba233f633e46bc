/** A process that offers a vector of 1,000 floats over the network, says where, and lives until it is killed. */

import { systemTimers } from '../../dist/shared/core/timers.js';
import { createVectorsOnNetwork } from '../../dist/shared/transport/vectors-on-network.js';

const findReached = async () => ({ host: '127.0.0.1', advertised: ['127.0.0.1'] });
const { own } = await createVectorsOnNetwork({ findReached, timers: systemTimers }).offer(1000);
console.log(own.offer.addresses.join());
