import type {RouteRow} from '../questions/route-rows.ts';
import {whereText} from './interface-table.ts';
import {figures, listTable, words} from './table.ts';
import type {Table} from './view.ts';

export function routeTable(routes: readonly RouteRow[], empty: string): Table {
  return listTable(routes, {
    columns: [
      words('where', 'Where', 1, 8, whereText, {max: 40}),
      words('dst', 'Destination', 0, 12, route => destination(route), {
        tone: route => (route.asOf === undefined ? 'strong' : 'dim'),
      }),
      words('via', 'Via', 0, 8, route =>
        route.hops
          .map(hop => hop.via ?? '')
          .join(' ')
          .trim(),
      ),
      words('dev', 'Dev', 0, 5, route =>
        route.hops
          .map(hop => hop.dev ?? '')
          .join(' ')
          .trim(),
      ),
      words('type', 'Type', 3, 7, route => route.type),
      words('table', 'Table', 2, 5, route => route.table),
      words('prefsrc', 'Source', 4, 8, route => route.prefsrc),
      words('protocol', 'Protocol', 5, 6, route => route.protocol),
      words('scope', 'Scope', 6, 5, route => route.scope),
      figures('metric', 'Metric', 5, 6, route => route.metric),
      figures('mtu', 'MTU', 7, 4, route => route.mtu),
      words('flags', 'Flags', 8, 5, route => [...new Set(route.hops.flatMap(hop => hop.flags))].join(' ')),
    ],
    row: route => {
      const dev = route.hops[0]?.dev;
      const place =
        route.place === 'host'
          ? `${route.node}/`
          : route.pods.length === 1
            ? `${route.pods[0]}:`
            : `${route.node}/${route.netns}:`;
      const hops = route.hops.map(hop => `${hop.via} ${hop.dev}`).join();
      return {
        id: [
          route.node,
          route.netns,
          route.table,
          route.family,
          route.type,
          route.dst,
          route.metric,
          hops,
        ].join(' '),
        ...(dev === undefined ? {} : {opens: {name: 'link' as const, words: [`${place}${dev}`]}}),
        evidence: route.evidence,
      };
    },
    empty,
  });
}

function destination(route: RouteRow): string {
  if (route.dst === '0.0.0.0/0' || route.dst === '::/0')
    return `default${route.family === 6 ? ' (IPv6)' : ''}`;
  return route.dst;
}
