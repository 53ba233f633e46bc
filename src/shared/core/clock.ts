/** Time, passed in so that decisions can be tested without waiting. */
export interface Clock {
  /** Seconds since some fixed moment; never goes backwards. */
  now(): number;
  /** Milliseconds since the Unix epoch. */
  unixMs(): number;
}

export const systemClock: Clock = {
  now: () => performance.now() / 1000,
  unixMs: () => Date.now(),
};

/** Processor time of this process, all threads together, in seconds. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
