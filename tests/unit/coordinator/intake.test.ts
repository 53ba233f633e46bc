/** Where a message belongs, by who sent it, for which run, and what it is. */
import { expect, it } from 'vitest';
import { type Intake, takeIn } from '../../../src/coordinator/intake.ts';
import { noMembers } from '../../../src/coordinator/membership/membership-state.ts';
import { joinedWorker } from '../../../src/coordinator/membership/worker.ts';
import type { Body, WorkerMessage } from '../../../src/shared/protocol/messages.ts';
import { nothingUsed } from '../../support/nothing-used.ts';
import { helloOf, readyOf } from './membership/gathering.ts';

const attempt = { generation: 1, step: 7, attempt: 0 };
const result = { request: 1, usage: nothingUsed };

/** What a message of the run is to a stranger's and to a member's peer. */
const rows: readonly [Body<WorkerMessage>, stranger: 'input' | 'ignored' | 'rejected', member: 'input' | 'deliver'][] =
  [
    [helloOf('w0'), 'input', 'input'],
    [{ type: 'leave', code: 'run-failed', phase: 'load', reason: 'why' }, 'ignored', 'input'],
    [readyOf(), 'rejected', 'input'],
    [{ type: 'heartbeat', gpu: { powerWatts: 60 } }, 'rejected', 'input'],
    [{ type: 'drain', reason: 'a spot notice' }, 'ignored', 'input'],
    [{ type: 'contribute', ...attempt, bucket: 0 }, 'rejected', 'deliver'],
    [{ type: 'vote', ...attempt, samples: 1, lossSum: 1, correct: 1, usage: nothingUsed }, 'rejected', 'deliver'],
    [{ type: 'evaluated', ...result, samples: 1, lossSum: 1, correct: 1 }, 'rejected', 'deliver'],
    [{ type: 'state', ...result, parametersChecksum: 1 }, 'rejected', 'deliver'],
    [{ type: 'predicted', ...result }, 'rejected', 'deliver'],
    [{ type: 'restored', ...result, parametersChecksum: 1 }, 'rejected', 'deliver'],
  ];

/** Messages that say which run they are for; a hello does not know, and a leave or a drain may not. */
const ofARun = rows.filter(([, stranger]) => stranger === 'rejected');

const member = joinedWorker('p0', helloOf('w0'), { now: 1, unixMs: 1 }, 0);

function take(peer: string, body: Body<WorkerMessage>, run = 'run-1'): Intake {
  const membership = { ...noMembers, workers: new Map([['p0', member]]) };
  const message = { v: 8, run, ...body } as WorkerMessage;
  return takeIn({ id: 'run-1', version: '1.0.0' }, membership, peer, message, 1234);
}

it.each(rows)('$0.type of a member', (body, _, kind) => {
  const message = { v: 8, run: 'run-1', ...body };
  const inputs = {
    hello: { type: 'hello', peer: 'p0', hello: message },
    leave: { type: 'leave', peer: 'p0', leave: message },
    ready: { type: 'ready', peer: 'p0', ready: message },
    heartbeat: { type: 'heartbeat', peer: 'p0', gpu: { powerWatts: 60 } },
    drain: { type: 'drain', peer: 'p0', reason: 'a spot notice' },
  } as Readonly<Record<string, unknown>>;
  expect(take('p0', body)).toEqual(kind === 'deliver' ? { kind, message } : { kind, input: inputs[body.type] });
});

it.each(rows)('$0.type of a stranger', (body, kind) => {
  const hello = { v: 8, run: 'run-1', ...body };
  const expected = {
    input: { kind, input: { type: 'hello', peer: 'stranger', hello } },
    ignored: { kind },
    rejected: { kind, reason: 'peer', detail: `'${body.type}' from a peer that never said hello` },
  }[kind];
  expect(take('stranger', body)).toEqual(expected);
});

it.each(ofARun)('$0.type of a member, for another run', (body) => {
  expect(take('p0', body, 'run-2')).toEqual({ kind: 'rejected', reason: 'run', detail: "run 'run-2'" });
  expect(take('stranger', body, 'run-2')).toMatchObject({ kind: 'rejected', reason: 'peer' });
});

it('a hello, a leave and a drain need not know the run', () => {
  expect(take('stranger', helloOf('w1'), '')).toMatchObject({ kind: 'input', input: { type: 'hello' } });
  const leave = { type: 'leave', code: 'bad-input', phase: 'rendezvous', reason: 'why' } as const;
  expect(take('p0', leave, '')).toMatchObject({ kind: 'input', input: { type: 'leave', leave } });
  const drain = { type: 'drain', reason: 'why' } as const;
  expect(take('p0', drain, '')).toEqual({ kind: 'input', input: { type: 'drain', peer: 'p0', reason: 'why' } });
});

it.each(['p0', 'stranger'])('a ping of %s is answered at once, for whatever run', (peer) => {
  expect(take(peer, { type: 'ping', sentUnixMs: 1200.5 }, 'another')).toEqual({
    kind: 'answer',
    body: { type: 'pong', sentUnixMs: 1200.5, receivedUnixMs: 1234, answeredUnixMs: 1234, version: '1.0.0' },
  });
});
