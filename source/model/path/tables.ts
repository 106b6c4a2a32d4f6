import type {Route} from '../../facts/routes.ts';
import type {Namespace} from '../graph.ts';
import {prefixLength} from '../prefixes.ts';
import {type Words, wordsOf} from '../words.ts';
import type {Packet} from './packet.ts';

/** What a routing table says of a packet; undefined when it says nothing, and the next rule is asked. */
export type Found = {
  readonly route: Route;
  /** Next hops that are up, or all when none is. */
  readonly alive: Route['hops'];
};

/** Types that end a look-up in a table without an answer; the kernel goes on with the next rule (`ip-route(8)`). */
const THROW = 'throw';

/**
 * Looks a packet up in one table: longest prefix first, then lowest metric, without next hops whose device is down
 * (`fib_table_lookup`, `fib6_table_lookup`). `oif` restricts to routes that leave by it.
 */
export function lookUp(
  namespace: Namespace,
  table: string,
  packet: Packet,
  oif: string | undefined,
): Found | undefined {
  const words = wordsOf(packet.destination);
  if (!words) return undefined;
  const source = packet.source === undefined ? undefined : wordsOf(packet.source);
  const fitting = (namespace.facts?.routes?.value ?? [])
    .filter(
      route =>
        route.family === packet.family &&
        route.table === table &&
        within(words, route.dst) &&
        (route.src === undefined || (source !== undefined && within(source, route.src))),
    )
    .sort(better);
  for (const route of fitting) {
    if (route.type === THROW) return undefined;
    if (route.hops.length === 0 && route.type !== 'unicast') return {route, alive: []};
    const alive = route.hops.filter(hop => !isDead(hop.flags) && (oif === undefined || hop.dev === oif));
    if (alive.length > 0) return {route, alive: [...alive, ...siblings(route, fitting, oif)]};
    if (route.hops.length === 0) return {route, alive: []};
  }
  return undefined;
}

function better(a: Route, b: Route): number {
  return (
    prefixLength(b.dst) - prefixLength(a.dst) ||
    Number(b.src !== undefined) - Number(a.src !== undefined) ||
    (a.metric ?? 0) - (b.metric ?? 0)
  );
}

/** IPv6 routes of one prefix and metric stand beside each other; the kernel takes turns among their gateways. */
function siblings(route: Route, fitting: readonly Route[], oif: string | undefined): Route['hops'] {
  if (route.family === 4 || route.hops[0]?.via === undefined) return [];
  return fitting
    .filter(
      other =>
        other !== route &&
        other.type === route.type &&
        other.dst === route.dst &&
        (other.metric ?? 0) === (route.metric ?? 0) &&
        other.hops[0]?.via !== undefined,
    )
    .flatMap(other => other.hops.filter(hop => !isDead(hop.flags) && (oif === undefined || hop.dev === oif)));
}

/** `dead` routes are skipped always, `linkdown` ones only where `ignore_routes_with_linkdown` is set, which is rare. */
function isDead(flags: readonly string[]): boolean {
  return flags.includes('dead');
}

const parsed = new Map<string, {words: Words; length: number} | undefined>();
const BOUND = 50_000;

/** Is an address within a canonical prefix? Prefixes are parsed once: tables of a router have many thousands. */
export function within(words: Words, prefix: string): boolean {
  let known = parsed.get(prefix);
  if (known === undefined && !parsed.has(prefix)) {
    const slash = prefix.lastIndexOf('/');
    const network = wordsOf(prefix.slice(0, slash));
    const length = Number(prefix.slice(slash + 1)) + (prefix.includes(':') ? 0 : 96);
    known = network && {words: network, length};
    if (parsed.size >= BOUND) parsed.clear();
    parsed.set(prefix, known);
  }
  if (!known) return false;
  const {words: network, length} = known;
  return words.every((word, i) => {
    const bits = Math.min(32, Math.max(0, length - i * 32));
    return bits === 0 || word >>> (32 - bits) === network[i]! >>> (32 - bits);
  });
}
