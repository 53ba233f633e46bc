/** What a worker hears of the generation that it is in, apart from its orders: commits, and that it is over. */
import { type AsyncQueue, createAsyncQueue } from '../shared/core/async-queue.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { isSameAttempt } from '../shared/protocol/attempt.ts';
import type { Attempt, CoordinatorMessage, MessageOf } from '../shared/protocol/messages.ts';

/** What the step under way waits for. */
export interface GenerationInbox {
  /** Resolves when the attempt is committed; rejects when it is aborted. Other attempts' commits are stale: dropped. */
  committed(attempt: Attempt): Promise<{ readonly skipped: boolean }>;
  /**
   * Aborted when the step or test pass under way will come to nothing, because the generation has lost a member or this
   * worker its coordinator. A member's loss does not abort a step whose commit is here already.
   */
  readonly aborted: AbortSignal;
}

/** The side of the inbox that the connection fills. */
export interface OpenGeneration {
  readonly number: number;
  readonly commits: AsyncQueue<MessageOf<CoordinatorMessage, 'commit'>>;
  readonly inbox: GenerationInbox;
  /** The generation has lost a member. */
  abort(): void;
  /** Nothing more is heard of it. */
  end(reason: Error): void;
}

export function openGeneration(number: number): OpenGeneration {
  const commits = createAsyncQueue<MessageOf<CoordinatorMessage, 'commit'>>();
  const aborting = new AbortController();
  function end(reason: Error): void {
    aborting.abort(reason);
    commits.fail(reason);
  }
  return {
    number,
    end,
    commits,
    inbox: {
      aborted: aborting.signal,
      async committed(attempt) {
        for (;;) {
          const commit = await commits.next();
          if (isSameAttempt(commit, attempt)) return { skipped: commit.skipped === true };
        }
      },
    },
    abort() {
      // One step is under way at most, so a commit that nobody has read is that step's.
      if (commits.length > 0) return;
      end(new PennygradError('quorum-lost', 'the generation lost a member'));
    },
  };
}
