/** All ranks of one all-reduce, as processes: they reduce on request and sleep in between. */
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { type AllReduceName, collectiveOf } from '../../shared/collectives/registry.ts';
import type { VectorsToRead } from '../../shared/protocol/messages.ts';
import { type Conversation, graceSeconds, startConversation } from '../peers/conversation.ts';
import type { Command, Processes } from '../peers/processes.ts';
import { secondsOfRound } from './bandwidth.ts';
import {
  answerSchema,
  boundSchema,
  type HubArgument,
  offeredSchema,
  type RankArgument,
  type RelayArgument,
  readySchema,
  relayingSchema,
} from './messages.ts';

export interface Ranks {
  /** @throws Error with the reason if a process ends, or does not answer in time; all are stopped then */
  reduce(reductions: number): Promise<Reduced>;
  /** Ends all processes. A second call does nothing. */
  stop(): void;
}

export interface Reduced {
  /** The median of the reductions. */
  readonly seconds: number;
  /** Floats that differ from what their sum should be, over all ranks and reductions. */
  readonly wrong: number;
}

const rankProgram = fileURLToPath(new URL('./rank-process.js', import.meta.url));
const relayProgram = fileURLToPath(new URL('./relay-process.js', import.meta.url));
const hubProgram = fileURLToPath(new URL('./hub-process.js', import.meta.url));

/** Where a process runs. */
export interface Place {
  /** By which the others reach it. */
  readonly address: string;
  /** A command that becomes the process there; none for this host. */
  readonly through: readonly string[];
}

export const thisHost: Place = { address: '127.0.0.1', through: [] };

export interface RanksOptions {
  readonly processes: Processes;
  readonly world: number;
  readonly floats: number;
  /** Where each rank runs, and the hub, which is the one after the last. */
  readonly placeOf: (rank: number) => Place;
  /** Extra delay of a message, each way; undefined for none. */
  readonly delaySeconds: number | undefined;
}

/** Ranks that use a collective of the registry. @throws Error that says why they cannot */
export async function startRanks(
  { processes, world, floats, placeOf, delaySeconds }: RanksOptions,
  algorithm: RankArgument['algorithm'],
  path: RankArgument['path'],
): Promise<Ranks> {
  const { createHub, readsPeers } = collectiveOf(algorithm satisfies AllReduceName);
  const started: Conversation[] = [];
  const start = (program: string, place: Place, argument: RankArgument | HubArgument | RelayArgument) => {
    const conversation = startConversation(
      processes,
      commandAt(place, process.execPath, [program, JSON.stringify(argument)]),
    );
    started.push(conversation);
    return conversation;
  };
  /** Where others reach the endpoints of a process in a place. */
  async function reached(place: Place, targets: readonly string[]): Promise<readonly string[]> {
    if (delaySeconds === undefined) return targets;
    const relay = start(relayProgram, place, { address: place.address, targets: [...targets], delaySeconds });
    return (await relay.receive(relayingSchema, graceSeconds)).endpoints;
  }
  return orStop(started, async () => {
    const { address } = placeOf(world);
    const hub =
      createHub === undefined ? undefined : start(hubProgram, placeOf(world), { algorithm, world, floats, address });
    const bound = await hub?.receive(boundSchema, graceSeconds);
    const [hubEndpoint] = bound === undefined ? [] : await reached(placeOf(world), [bound.endpoint]);
    const ranks = Array.from({ length: world }, (_, rank) => {
      const place = placeOf(rank);
      const argument = { algorithm, world, floats, rank, path, address: place.address, hub: hubEndpoint };
      return start(rankProgram, place, argument);
    });
    if (readsPeers === true) {
      const offered = await receiveAll(ranks, offeredSchema);
      const offers = await Promise.all(
        offered.map(({ offers }, rank) => reachedOffers(offers, (targets) => reached(placeOf(rank), targets))),
      );
      for (const rank of ranks) rank.send({ offers });
    }
    return whenReady(ranks, started);
  });
}

/** The offers of a rank, whose endpoints are those by which others reach them. */
async function reachedOffers(
  offers: readonly VectorsToRead[],
  reached: (targets: readonly string[]) => Promise<readonly string[]>,
): Promise<readonly VectorsToRead[]> {
  const endpoints = await reached(offers.flatMap(({ network }) => network?.addresses ?? []));
  let used = 0;
  return offers.map(({ memory, network }) => {
    if (network === undefined) return { memory };
    const addresses = endpoints.slice(used, used + network.addresses.length);
    used += addresses.length;
    return { memory, network: { addresses, secret: network.secret } };
  });
}

/** Ranks that are others' programs, and find each other by themselves. @param commands by rank */
export async function startForeignRanks(processes: Processes, commands: readonly Command[]): Promise<Ranks> {
  const ranks = commands.map((command) => startConversation(processes, command));
  return orStop(ranks, () => whenReady(ranks, ranks));
}

/** @param all processes that the ranks need, themselves included: when one ends, all do */
async function whenReady(ranks: readonly Conversation[], all: readonly Conversation[]): Promise<Ranks> {
  const someoneEnded = Promise.race(all.map(({ ended }) => ended));
  someoneEnded.catch(() => {});
  await Promise.race([receiveAll(ranks, readySchema), someoneEnded]);
  return {
    stop: () => stopAll(all),
    reduce: (reductions) =>
      orStop(all, async () => {
        for (const rank of ranks) rank.send({ reductions });
        const answers = await Promise.race([receiveAll(ranks, answerSchema), someoneEnded]);
        return {
          seconds: secondsOfRound(answers.map(({ seconds }) => seconds)),
          wrong: answers.reduce((sum, { wrong }) => sum + wrong, 0),
        };
      }),
  };
}

function receiveAll<Schema extends z.ZodType>(
  ranks: readonly Conversation[],
  schema: Schema,
): Promise<z.output<Schema>[]> {
  return Promise.all(ranks.map((rank) => rank.receive(schema, graceSeconds)));
}

async function orStop<Result>(all: readonly Conversation[], work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    stopAll(all);
    throw error;
  }
}

function stopAll(all: readonly Conversation[]): void {
  for (const conversation of all) conversation.stop();
}

export function commandAt({ through }: Place, program: string, args: readonly string[]): Command {
  const [first = program, ...rest] = [...through, program, ...args];
  return { program: first, args: rest };
}
