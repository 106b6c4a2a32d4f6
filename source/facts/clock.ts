import type {Swept} from '../wire/source.ts';
import type {Dated} from './snapshot.ts';

/**
 * How far a node's clock is ahead of this machine's, in seconds; negative when it is behind. It was somewhere between
 * `low` and `high`: what the node was asked took time, and it told whole seconds.
 */
export type Skew = {readonly low: number; readonly high: number};

/**
 * A node told its time (seconds since 1970) between the moment it was asked and the moment its answer was here, both
 * by this machine's clock. What sweeps before told narrows it, as long as both can be true: clocks are set, too.
 */
export function skewOf(
  clock: Dated<number>,
  {at, wall}: Pick<Swept, 'at' | 'wall'>,
  before: Skew | undefined,
): Skew | undefined {
  const low = clock.value - Date.parse(clock.at) / 1000;
  const high = clock.value + 1 - (Date.parse(at) - wall) / 1000;
  if (!(low <= high)) return undefined;
  const both = before && {low: Math.max(low, before.low), high: Math.min(high, before.high)};
  return both && both.low <= both.high ? both : {low, high};
}
