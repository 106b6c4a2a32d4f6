import type {Address} from './addresses.ts';
import {type Fields, has} from './elements.ts';
import type {Link} from './links.ts';
import type {Neighbour} from './neighbours.ts';
import type {Route} from './routes.ts';
import type {Rule} from './rules.ts';

/** The tables of one namespace; an absent one was not read, and a problem says so. */
export type Network = {
  readonly links?: readonly Link[];
  readonly addresses?: readonly Address[];
  readonly routes?: readonly Route[];
  readonly neighbours?: readonly Neighbour[];
  readonly rules?: readonly Rule[];
  readonly problems: readonly string[];
};

/** Places of the tables in an answer of `ip -batch`: interfaces and addresses, routes, neighbours, policy rules. */
export type Table = 0 | 1 | 2 | 3;

/** Which table an entry of `ip -j` is of; undefined when it does not tell. */
export function tableOf(fields: Fields): Table | undefined {
  if (has(fields, 'ifindex')) return 0;
  if (has(fields, 'priority')) return 3;
  // The forwarding database has MAC addresses, and is no table of `ip`.
  if (!has(fields, 'dst') || has(fields, 'mac')) return undefined;
  if (Array.isArray(fields['state']) || has(fields, 'lladdr')) return 2;
  return 1;
}
