/** The clock, the dice and the timer of the adapters, so that tests need not wait. */
export type Timing = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** At least 0, less than 1. */
  random(): number;
  /** Runs something later; the function returned takes that back. */
  after(milliseconds: number, run: () => void): () => void;
};

export const realTiming: Timing = {
  now: Date.now,
  random: Math.random,
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/**
 * Milliseconds to wait before dialling for the nth time again (n from 0): 1 s doubling to 30 s, of which the latter
 * half is left to chance, so that nodes lost together do not come back together.
 */
export function backoff(attempt: number, random: number): number {
  const full = Math.min(30_000, 1000 * 2 ** Math.min(attempt, 10));
  return Math.round(full / 2 + (full / 2) * random);
}
