/** A seeded source of chance: the same seed makes the same case on every machine. */
export type Random = {
  /** 0 ≤ x < 1. */
  next(): number;
  /** 0 ≤ n < most. */
  below(most: number): number;
  pick<T>(from: readonly T[]): T;
  /** True one time in `n`. */
  oneIn(n: number): boolean;
};

/** The generator mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (most: number) => Math.floor(next() * most);
  return {next, below, pick: from => from[below(from.length)]!, oneIn: n => below(n) === 0};
}
