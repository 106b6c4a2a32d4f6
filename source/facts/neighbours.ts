import {type Element, has, text, words} from './elements.ts';
import type {Parsed, Span} from './evidence.ts';
import {note} from './lines.ts';
import {optional} from './links.ts';
import {canonical} from './prefix.ts';

/** One neighbour (ARP or NDP) entry as `ip -j -s neigh show nud all` shows it (`ip-neighbour(8)`). */
export type Neighbour = Span & {
  readonly dst: string;
  readonly dev: string;
  readonly mac?: string;
  /** REACHABLE, STALE, PERMANENT, FAILED, INCOMPLETE, NOARP, … */
  readonly state: readonly string[];
  readonly router: boolean;
  readonly proxy: boolean;
};

/**
 * Neighbours of an `ip -j -s neigh show nud all` array, IPv4's and IPv6's. Sample (iproute2 6.1.0):
 * `{"dst":"10.88.2.0","dev":"flannel.1","lladdr":"62:8a:67:03:46:c3","used":650,"confirmed":98,"updated":754,
 * "probes":0,"state":["PERMANENT"]}`; `router` and `proxy` are marked by presence.
 */
export function parseNeighbours(elements: readonly Element[]): Parsed<Neighbour> {
  const rows: Neighbour[] = [];
  const problems: string[] = [];
  for (const {from, to, fields} of elements) {
    const printed = text(fields, 'dst');
    const dst = printed && canonical(printed);
    const dev = text(fields, 'dev');
    if (!dst || dev === undefined) {
      note(problems, () => `a neighbour ${printed ?? 'without address'} on ${dev ?? 'no interface'}.`);
      continue;
    }
    rows.push({
      from,
      to,
      dst,
      dev,
      state: words(fields, 'state'),
      router: has(fields, 'router'),
      proxy: has(fields, 'proxy'),
      ...optional('mac', text(fields, 'lladdr')),
    });
  }
  return {rows, problems};
}
