/** Latency and clock offset from an exchange of timestamps, as NTP reckons them (RFC 5905, section 8). */
import { median } from '../bench/median.ts';

/** One exchange, in milliseconds: two times by this side's clock around two by the other's. */
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
  /** The offset is right to within so much, however uneven the way there and the way back. */
  readonly clockOffsetErrorMs: number;
}

/** Wall clocks are read in whole milliseconds. */
const clockResolutionMs = 1;

/**
 * The offset is taken from the fastest exchange: its error is at most half of its round trip.
 * @param exchanges at least one
 */
export function linkTimes(exchanges: readonly PingTimes[]): LinkTimes {
  const samples = exchanges.map(({ sentMs, receivedMs, answeredMs, returnedMs }) => ({
    // Clocks that tick in milliseconds can make an answer seem to take longer than the whole exchange.
    roundTripMs: Math.max(0, returnedMs - sentMs - (answeredMs - receivedMs)),
    offsetMs: (receivedMs - sentMs + (answeredMs - returnedMs)) / 2,
  }));
  const fastest = samples.reduce((best, sample) => (sample.roundTripMs < best.roundTripMs ? sample : best));
  return {
    roundTripMedianMs: median(samples.map(({ roundTripMs }) => roundTripMs)),
    roundTripMinMs: fastest.roundTripMs,
    clockOffsetMs: fastest.offsetMs,
    clockOffsetErrorMs: fastest.roundTripMs / 2 + clockResolutionMs,
  };
}
