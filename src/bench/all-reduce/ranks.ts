/** All ranks of one all-reduce, as processes: they reduce on request and sleep in between. */
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { type AllReduceName, collectiveOf } from '../../shared/collectives/registry.ts';
import { type Conversation, graceSeconds, startConversation } from '../peers/conversation.ts';
import type { Command, Processes } from '../peers/processes.ts';
import { secondsOfRound } from './bandwidth.ts';
import {
  answerSchema,
  boundSchema,
  type HubArgument,
  offeredSchema,
  type RankArgument,
  readySchema,
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
const hubProgram = fileURLToPath(new URL('./hub-process.js', import.meta.url));

/** Ranks that use a collective of the registry. @throws Error that says why they cannot */
export async function startRanks(
  processes: Processes,
  algorithm: RankArgument['algorithm'],
  world: number,
  floats: number,
): Promise<Ranks> {
  const { createHub, readsPeers } = collectiveOf(algorithm satisfies AllReduceName);
  const started: Conversation[] = [];
  const start = (program: string, argument: RankArgument | HubArgument) => {
    const conversation = startConversation(processes, nodeCommand(program, argument));
    started.push(conversation);
    return conversation;
  };
  return orStop(started, async () => {
    const hub = createHub === undefined ? undefined : start(hubProgram, { algorithm, world, floats });
    const bound = await hub?.receive(boundSchema, graceSeconds);
    const ranks = Array.from({ length: world }, (_, rank) =>
      start(rankProgram, { algorithm, world, floats, rank, hub: bound?.endpoint }),
    );
    if (readsPeers === true) {
      const offered = await receiveAll(ranks, offeredSchema);
      for (const rank of ranks) rank.send({ offers: offered.map(({ offers }) => offers) });
    }
    return whenReady(ranks, started);
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

function nodeCommand(program: string, argument: object): Command {
  return { program: process.execPath, args: [program, JSON.stringify(argument)] };
}
