import type {Counters, Link} from '../facts/links.ts';
import type {NetnsFacts} from '../facts/snapshot.ts';

/** Counters with the moment they were read, in seconds the node had been up. */
export type Counted = {readonly uptime: number; readonly counters: Counters};

/** The newest counters of an interface: `/proc/PID/net/dev` is read on every sweep, `ip -s` only on change. */
export function countersOf(facts: NetnsFacts, link: Link): Counted | undefined {
  const swept = facts.counters;
  const counters = swept?.value.get(link.name);
  const withLink = link.counters && facts.links;
  if (swept && counters && !(withLink && withLink.uptime > swept.uptime))
    return {uptime: swept.uptime, counters};
  return withLink && link.counters ? {uptime: withLink.uptime, counters: link.counters} : undefined;
}

/**
 * What each counter gained a second between two readings of the same interface. A counter that went back (the
 * interface was made anew, a 32-bit one wrapped) is left out, as is everything when no time passed by the node's own
 * clock (a reboot sets it back): unknown, never negative.
 */
export function ratesOf(before: Counted | undefined, now: Counted | undefined): Partial<Counters> {
  if (!before || !now) return {};
  const seconds = now.uptime - before.uptime;
  if (!(seconds > 0)) return {};
  const rates: {-readonly [K in keyof Counters]?: Counters[K]} = {};
  for (const key of Object.keys(now.counters) as (keyof Counters)[]) {
    const gained = now.counters[key] - before.counters[key];
    if (gained >= 0) rates[key] = gained / seconds;
  }
  return rates;
}

/** Keys of two flat records whose values differ; spans (`from`, `to`) say where, not what, and do not count. */
export function changedKeys<T extends object>(before: T | undefined, now: T | undefined): string[] {
  if (!before || !now) return [];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  keys.delete('from');
  keys.delete('to');
  return [...keys].filter(key => {
    const [a, b] = [before[key as keyof T], now[key as keyof T]];
    return a !== b && (typeof a !== 'object' || JSON.stringify(a) !== JSON.stringify(b));
  });
}
