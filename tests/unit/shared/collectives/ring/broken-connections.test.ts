/**
 * A ring whose connections are slow, and break: what was shown is sent again then, from memory where by now there may be something
 * else. Values are what they are when they arrive, as where ZeroMQ sends them without copying.
 */
import { expect, it } from 'vitest';
import type { AllReduce } from '../../../../../src/shared/collectives/collective.ts';
import { createRingRank } from '../../../../../src/shared/collectives/ring/ring-rank.ts';
import { createRandom } from '../../../../../src/shared/core/random.ts';
import { type Carry, createNetworkVectors } from '../../../../support/network-vectors.ts';
import { offerFrom, openOnly } from '../../../../support/opened-vectors.ts';
import { rounds } from '../../../../support/thoroughness.ts';

const steps = 4;
const breaksOnceIn = 12;

/** Nothing arrives before it is asked for: one message of one connection at a time, any of them. */
function createConnections(seed: number) {
  const random = createRandom(seed);
  const queues = new Map<string, (() => void)[]>();
  let breaks = 0;
  const carryTo =
    (reader: number): Carry =>
    (writer, deliver, resend) => {
      const name = `${writer} to ${reader}`;
      const queue = queues.get(name) ?? [];
      queues.set(name, queue);
      if (queue.length > 0 && random.integer(breaksOnceIn) === 0) {
        // What is under way is lost, and nothing else gets through before the connection is made again.
        breaks += 1;
        queue.splice(0, queue.length, () => {
          queue.length = 0;
          resend();
        });
        return;
      }
      queue.push(deliver);
    };
  return {
    random,
    carryTo,
    breaks: () => breaks,
    /** @returns whether something arrived */
    deliverOne(): boolean {
      const waiting = [...queues.values()].filter((queue) => queue.length > 0);
      waiting[random.integer(Math.max(1, waiting.length))]?.shift()?.();
      return waiting.length > 0;
    },
  };
}

async function reduceOver(seed: number) {
  const { random, carryTo, breaks, deliverOne } = createConnections(seed);
  const [worldSize, floats] = [2 + random.integer(4), 1 + random.integer(40)];
  const network = createNetworkVectors();
  const ways = Array.from({ length: worldSize }, (_, rank) => network(carryTo(rank)));
  const owned = await Promise.all(ways.map((way) => offerFrom(way, floats)));
  const ranks: AllReduce[] = [];
  for (const [rank, way] of ways.entries()) {
    let listener = () => {};
    const peers = [];
    for (const [other, { offer }] of owned.entries()) {
      const options = { floats, generation: 1, onPublished: () => listener() };
      peers.push(other === rank ? undefined : await openOnly(way, offer, options));
    }
    ranks.push(
      createRingRank({
        rank,
        worldSize,
        buckets: [{ from: 0, to: floats }],
        sendToHub() {},
        exchange: {
          own: owned[rank] as (typeof owned)[number],
          peers,
          listen(next) {
            listener = next;
          },
        },
        now: () => 0,
        signal: new AbortController().signal,
      }),
    );
  }
  const wrong: string[] = [];
  let left = worldSize;
  const lives = ranks.map(async (allReduce, rank) => {
    for (let step = 0; step < steps; step++) {
      // Small whole numbers, whose sums are exact.
      const handedIn = (of: number, at: number) => 1000 * step + 100 * of + at;
      const vector = Float32Array.from({ length: floats }, (_, at) => handedIn(rank, at));
      const expected = vector.map((_, at) => ranks.reduce((sum, _, of) => sum + handedIn(of, at), 0));
      const reduction = allReduce.start({ generation: 1, step, attempt: 0 }, [vector]);
      const part = { from: rank, to: rank + 1, lossSum: step, correct: 0, areFinite: true };
      const { sum, parts } = await reduction.finish(part, () => {});
      // It is applied for a while, when others may be in the next step.
      for (let turns = random.integer(20); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      if (sum.some((value, at) => value !== expected[at])) wrong.push(`rank ${rank}, step ${step}: ${[...sum]}`);
      if (parts?.some(({ from, lossSum }, of) => from !== of || lossSum !== step)) wrong.push(`${rank}: ${parts}`);
    }
    left -= 1;
  });
  for (let idle = 0; left > 0; idle = deliverOne() ? 0 : idle + 1) {
    if (idle > 100) return { wrong: [...wrong, `${left} of ${worldSize} ranks wait for ever`], breaks: breaks() };
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(lives);
  return { wrong, breaks: breaks() };
}

it('has right sums whatever is sent again, and while they are applied', async () => {
  const failures: string[] = [];
  let broken = 0;
  for (let seed = 1; seed <= rounds(40, 400); seed++) {
    const { wrong, breaks } = await reduceOver(seed);
    failures.push(...wrong.map((why) => `seed ${seed}: ${why}`));
    broken += breaks;
  }
  expect(failures).toEqual([]);
  expect(broken).toBeGreaterThan(rounds(40, 400));
}, 60_000);
