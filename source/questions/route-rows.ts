import * as v from 'valibot';
import type {Route} from '../facts/routes.ts';
import type {Namespace} from '../model/graph.ts';
import {asOf} from '../model/unread.ts';
import {Evidence, list, maybe, text} from './schema.ts';

export const RouteRow = v.object({
  node: text('Node, by name.'),
  asOf: maybe.text('Moment it was read, when its node is not reached now.'),
  netns: text('Inode of its network namespace.'),
  place: v.picklist(['host', 'pod', 'other']),
  pods: list(v.string()),
  family: v.picklist([4, 6]),
  type: text('unicast, local, blackhole, …'),
  dst: text('Prefix.'),
  table: text('Routing table.'),
  protocol: text('Who made it.'),
  scope: text('Its scope.'),
  prefsrc: maybe.text('Source address it prefers.'),
  metric: maybe.count('Lower is preferred.'),
  mtu: maybe.count('Bytes.'),
  hops: list(
    v.object({
      via: maybe.text('Gateway.'),
      dev: maybe.text('Interface.'),
      weight: maybe.count('Share among several hops.'),
      flags: list(v.string()),
    }),
  ),
  evidence: list(Evidence),
});
export type RouteRow = v.InferOutput<typeof RouteRow>;

export function routeRows(namespace: Namespace): RouteRow[] {
  const routes = namespace.facts?.routes;
  return (routes?.value ?? []).map(route => routeRow(namespace, route, routes!.sweep));
}

export function routeRow(namespace: Namespace, route: Route, sweep: number): RouteRow {
  const {from, to, ...rest} = route;
  return {
    node: namespace.node.name,
    asOf: asOf(namespace.node),
    netns: namespace.inode,
    place: namespace.kind,
    pods: namespace.pods.map(pod => pod.key),
    family: rest.family,
    type: rest.type,
    dst: rest.dst,
    table: rest.table,
    protocol: rest.protocol,
    scope: rest.scope,
    prefsrc: rest.prefsrc,
    metric: rest.metric,
    mtu: rest.mtu,
    hops: rest.hops.map(({via, dev, weight, flags}) => ({via, dev, weight, flags})),
    evidence: [{node: namespace.node.id, fact: 'network', netns: namespace.inode, sweep, from, to}],
  };
}

/** Longest prefix first within a table; `main` before the others, `local` last: as a person looks for them. */
export function byTable(a: RouteRow, b: RouteRow): number {
  const rank = (table: string) => (table === 'main' ? 0 : table === 'local' ? 2 : 1);
  const length = (row: RouteRow) => Number(row.dst.slice(row.dst.lastIndexOf('/') + 1));
  return (
    rank(a.table) - rank(b.table) ||
    a.table.localeCompare(b.table) ||
    a.family - b.family ||
    length(a) - length(b) ||
    a.dst.localeCompare(b.dst)
  );
}
