import {endpointText} from '../model/words.ts';
import type {BackendRow, ServiceRow} from '../questions/service-rows.ts';
import {serviceWords} from '../questions/service-rows.ts';
import type {ServicesAnswer} from '../questions/services.ts';
import {figures, listTable, words} from './table.ts';
import {count} from './units.ts';
import type {Facet, Table, View} from './view.ts';

const KINDS = {
  clusterIP: 'ClusterIP',
  nodePort: 'NodePort',
  hostPort: 'HostPort',
  externalIP: 'ExternalIP',
  loadBalancer: 'LoadBalancer',
} as const;

/** The services, and their backends; of a single service the backends come first. */
export function servicesView({services, datapaths, unread, of}: ServicesAnswer): Omit<View, 'gaps'> {
  const names = new Set(services.map(serviceWords));
  const facets: Facet[] = [
    {key: 'services', title: 'Services', body: serviceTable(services, unread)},
    {key: 'backends', title: 'Backends', body: backendTable(services, unread)},
    {key: 'datapaths', title: 'Datapaths', body: datapathTable(datapaths)},
  ];
  const blind = unread.length === datapaths.length && services.length === 0;
  const single = of !== undefined && names.size === 1;
  const without = services.filter(({backends}) => backends.length === 0);
  const differing = services.filter(({differs}) => differs !== undefined);
  return {
    title: of === undefined ? 'services' : `services ${of}`,
    summary: [
      blind
        ? {text: 'no rules were read: which services there are is not known', tone: 'warn' as const}
        : {
            text: `${count(names.size, 'service')} on ${count(services.length, 'address', 'addresses')} by ${waysText(datapaths)}`,
          },
      ...(!blind && unread.length > 0
        ? [{text: ` · rules not read: ${unread.join(', ')}`, tone: 'warn' as const}]
        : []),
      ...(without.length > 0
        ? [{text: ` · without backends: ${listed(without)}`, tone: 'warn' as const}]
        : []),
      ...(differing.length > 0
        ? [{text: ` · nodes differ: ${listed(differing)}`, tone: 'bad' as const}]
        : []),
    ],
    facets: single ? [facets[1]!, facets[0]!, facets[2]!] : facets,
  };
}

/** Each once: a service has an address, a port of every node, and perhaps those of another family. */
function listed(services: readonly ServiceRow[]): string {
  return [...new Set(services.map(serviceWords))].join(', ');
}

function waysText(datapaths: ServicesAnswer['datapaths']): string {
  const ways = new Set(datapaths.flatMap(one => one.ways));
  return ways.size > 0 ? [...ways].join(' and ') : 'no rule';
}

/** `10.96.0.1`, `every node`, `node cp-1`. */
function calledAt({address, family, kind, nodes}: ServiceRow): string {
  const where = kind === 'hostPort' ? `node ${nodes.join(' ')}` : 'every node';
  return address ?? (family === 6 ? `${where} (IPv6)` : where);
}

function serviceTable(services: readonly ServiceRow[], unread: readonly string[]): Table {
  return listTable(services, {
    columns: [
      words('service', 'Service', 0, 12, row => row.name ?? '-', {grow: true, tone: () => 'strong'}),
      words('kind', 'Kind', 1, 9, row => KINDS[row.kind]),
      words('address', 'Address', 0, 10, calledAt, {max: 39}),
      words('port', 'Port', 0, 8, row => `${row.protocol}/${row.port}`),
      {
        ...figures<ServiceRow>('backends', 'Backends', 0, 8, row => row.backends.length, {
          tone: row => (row.backends.length === 0 ? 'warn' : 'plain'),
        }),
      },
      figures('live', 'Conns', 1, 5, row => row.live),
      words('datapath', 'Datapath', 3, 8, row => row.datapaths.join(' ')),
      words('nodes', 'Nodes', 4, 6, row => nodesText(row, unread), {max: 30}),
      words('note', 'Note', 4, 20, noteOf, {max: 60, tone: row => (row.differs ? 'bad' : 'warn')}),
    ],
    row: row => ({
      id: `${serviceWords(row)} ${row.kind} ${row.family} ${row.address ?? row.nodes.join()} ${row.port}/${row.protocol}`,
      opens: {name: 'services', words: [serviceWords(row)]},
      ...(row.name === undefined ? {} : {other: {name: 'peers', words: [`service/${row.name}`]}}),
      evidence: row.evidence,
    }),
    empty: noService(unread),
  });
}

/** `all` only where each node was asked. */
function nodesText({kind, missing, nodes}: ServiceRow, unread: readonly string[]): string {
  return unread.length === 0 && missing.length === 0 && kind !== 'hostPort' ? 'all' : nodes.join(' ');
}

function noService(unread: readonly string[]): string {
  return unread.length > 0
    ? `Not known: the rules of ${unread.join(', ')} were not read.`
    : 'No service is in the rules that were read.';
}

function noteOf(row: ServiceRow): string {
  return [row.differs, row.empty && `no backends: calls are ${row.empty}`].filter(Boolean).join(' ');
}

function backendTable(services: readonly ServiceRow[], unread: readonly string[]): Table {
  const rows = services.flatMap(service => service.backends.map(backend => ({service, backend})));
  type Both = (typeof rows)[number];
  const of = (get: (backend: BackendRow) => string | undefined) => (row: Both) => get(row.backend);
  return listTable(rows, {
    columns: [
      words('service', 'Service', 1, 10, row => `${serviceWords(row.service)}`, {max: 40}),
      words(
        'called',
        'Called',
        2,
        8,
        row => `${KINDS[row.service.kind]} ${row.service.port}${row.service.family === 6 ? ' IPv6' : ''}`,
        {max: 24},
      ),
      words(
        'pod',
        'Pod',
        0,
        12,
        of(backend => backend.pod ?? '-'),
        {
          grow: true,
          tone: row => (row.backend.pod === undefined ? 'warn' : 'strong'),
        },
      ),
      words(
        'node',
        'Node',
        2,
        6,
        of(backend => backend.node),
      ),
      words(
        'address',
        'Address',
        0,
        9,
        of(backend => endpointText(backend.address, backend.port)),
        {max: 46},
      ),
      figures('share', 'Share', 2, 5, (row: Both) => row.backend.share, {
        show: share => `${Math.round(share * 100)}%`,
      }),
      figures('live', 'Conns', 0, 5, (row: Both) => row.backend.live),
      figures('unanswered', 'No Answer', 4, 9, (row: Both) => row.backend.unanswered || undefined, {
        tone: () => 'warn',
      }),
      figures('closing', 'Closing', 3, 7, (row: Both) => row.backend.closing || undefined, {
        tone: () => 'dim',
      }),
      words(
        'nodes',
        'In Rules Of',
        4,
        6,
        of(backend => backend.nodes.join(' ')),
        {max: 30},
      ),
    ],
    row: ({service, backend}) => ({
      id: `${serviceWords(service)} ${service.kind} ${service.family} ${service.address ?? service.nodes.join()} ${service.port} ${service.protocol} ${backend.address}:${backend.port}`,
      ...(backend.pod !== undefined
        ? {opens: {name: 'pod' as const, words: [backend.pod]}}
        : backend.node !== undefined
          ? {opens: {name: 'node' as const, words: [backend.node]}}
          : {}),
      ...(backend.pod === undefined ? {} : {other: {name: 'peers' as const, words: [backend.pod]}}),
      evidence: backend.evidence,
    }),
    empty:
      services.length === 0 ? noService(unread) : 'None of them has a backend: calls are refused or lost.',
  });
}

function datapathTable(datapaths: ServicesAnswer['datapaths']): Table {
  return listTable(datapaths, {
    columns: [
      words('node', 'Node', 0, 6, row => row.node),
      words('ways', 'Datapath', 0, 8, row => (row.ways.length > 0 ? row.ways.join(' ') : '-')),
      words('why', 'Why', 0, 10, row => row.why, {grow: true}),
    ],
    row: row => ({id: row.node, opens: {name: 'node', words: [row.node]}}),
    empty: 'No node was read.',
  });
}
