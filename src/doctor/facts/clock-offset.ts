/** Computes latency and clock offset from exchanges of timestamps, as in NTP (RFC 5905, section 8). */
import { medianOf } from '../../shared/core/sums.ts';

/** One exchange, in milliseconds: sent and returned by this side's clock, received and answered by the other side's. */
export interface PingTimes {
  readonly sentMs: number;
  readonly receivedMs: number;
  readonly answeredMs: number;
  readonly returnedMs: number;
}

export interface LinkTimes {
  readonly roundTripMedianMs: number;
  readonly roundTripMinMs: number;
  /** How far the other clock is ahead of this one. */
  readonly clockOffsetMs: number;
  /** The offset's largest possible error, however much the two directions differ. */
  readonly clockOffsetErrorMs: number;
}

/** Wall clocks have a resolution of one millisecond. */
const clockResolutionMs = 1;

/**
 * Takes the offset from the fastest exchange, because its error is at most half of the round trip.
 * @param exchanges at least one
 */
export function linkTimes(exchanges: readonly PingTimes[]): LinkTimes {
  const samples = exchanges.map(({ sentMs, receivedMs, answeredMs, returnedMs }) => ({
    // Because of the clocks' resolution, the answer may seem to take longer than the whole exchange.
    roundTripMs: Math.max(0, returnedMs - sentMs - (answeredMs - receivedMs)),
    offsetMs: (receivedMs - sentMs + (answeredMs - returnedMs)) / 2,
  }));
  const fastest = samples.reduce((best, sample) => (sample.roundTripMs < best.roundTripMs ? sample : best));
  return {
    roundTripMedianMs: medianOf(samples.map(({ roundTripMs }) => roundTripMs)),
    roundTripMinMs: fastest.roundTripMs,
    clockOffsetMs: fastest.offsetMs,
    clockOffsetErrorMs: fastest.roundTripMs / 2 + clockResolutionMs,
  };
}
