/** Lets this process hear signals, timers and sockets before it goes on. Passed in beside the timers. */
export type EventLoopTurn = () => Promise<void>;

export const eventLoopTurn: EventLoopTurn = () => new Promise((resolve) => setImmediate(resolve));
