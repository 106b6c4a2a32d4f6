import type {Span} from './evidence.ts';

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
