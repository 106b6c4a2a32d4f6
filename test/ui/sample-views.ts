import type {Question} from '../../source/questions/question.ts';
import type {Status} from '../../source/session.ts';
import type {Cell, Column, Facet, Row, Table, View} from '../../source/views/view.ts';
import type {Script} from './fake-session.ts';

/** Hand-made views of a small cluster, in the shape that the views room makes them. */

export const NOW = '2026-11-05T12:03:04.000Z';

export const STATUS: Status = {
  source: 'ssh',
  nodes: ['control', 'worker-1', 'worker-2'].map(name => ({
    id: name,
    name,
    state: 'ready',
    since: '2026-11-05T12:01:00.000Z',
    sweep: 40,
    at: '2026-11-05T12:03:03.000Z',
    wall: 41,
    cpu: 0.03,
  })),
  generation: 1,
  now: NOW,
  every: 2,
  paused: false,
};

export function table(columns: readonly Column[], rows: readonly Row[], empty = 'Nothing.'): Table {
  return {
    type: 'table',
    columns,
    count: rows.length,
    row: i => rows[i]!,
    sortKey: (i, key) => {
      const text = rows[i]!.cells[columns.findIndex(column => column.key === key)]?.text ?? '';
      if (text === '-' || text === '') return undefined;
      return Number.isNaN(Number.parseFloat(text)) ? text : Number.parseFloat(text);
    },
    empty,
  };
}

export function column(key: string, more: Partial<Column> = {}): Column {
  return {key, title: key.toUpperCase(), align: 'left', priority: 0, min: 4, sortable: true, ...more};
}

const NUMBER = {align: 'right', min: 3} as const;

function ask(name: Question['name'], ...words: string[]): Question {
  return {name, words};
}

/** Name, state, address, pods, sockets, round trip. */
const NODES = [
  ['control', 'Ready', '10.0.0.1', '4', '61', '0.4 ms', 'flannel vxlan'],
  ['worker-1', 'Ready', '10.0.0.2', '12', '240', '0.5 ms', 'flannel vxlan'],
  ['worker-2', 'Ready', '10.0.0.3', '11', '228', '0.6 ms', 'flannel vxlan'],
] as const;

export function overview(): View {
  return {
    title: 'overview',
    summary: [
      {text: '3 nodes, 27 pods, 529 sockets; '},
      {text: 'flannel (vxlan)', tone: 'accent'},
      {text: ' on all nodes'},
    ],
    facets: [
      {
        key: 'nodes',
        title: 'Nodes',
        body: table(
          [
            column('node', {grow: true, min: 10}),
            column('state', {priority: 1, min: 5}),
            column('address', {priority: 2, min: 9}),
            column('pods', {...NUMBER, priority: 1}),
            column('sockets', {...NUMBER, priority: 3}),
            column('rtt', {...NUMBER, priority: 2}),
            column('network', {priority: 5, min: 7}),
          ],
          NODES.map(([name, state, ...rest]) => ({
            id: name,
            cells: [
              {text: name, tone: 'strong'},
              {text: state, tone: 'good'},
              ...rest.map((text): Cell => ({text})),
            ],
            opens: ask('node', name),
            evidence: [{node: name, fact: 'identity', sweep: 1, from: 0, to: 10}],
          })),
        ),
      },
    ],
    gaps: [],
  };
}

export function node(name: string): View {
  return {
    title: `node ${name}`,
    summary: [{text: `${name} runs kernel 6.18, up 12 d, with 12 pods`}],
    facets: [
      {
        key: 'pods',
        title: 'Pods',
        body: table(
          [
            column('pod', {grow: true, min: 12}),
            column('address', {min: 9, priority: 1}),
            column('link', {min: 8, priority: 2}),
            column('peers', {...NUMBER, priority: 3}),
            column('age', {...NUMBER, priority: 4}),
          ],
          Array.from({length: 30}, (_, i): Row => {
            const pod = i === 2 ? 'shop/결제-서비스-0' : i === 3 ? 'shop/カート🛒-1' : `shop/web-${i}`;
            return {
              id: pod,
              cells: [
                {text: pod},
                {text: `10.244.1.${i + 2}`},
                {text: `veth${(0xab12 + i * 977).toString(16)}`, tone: 'accent'},
                {text: String((i * 7) % 13)},
                {text: `${i + 1} min`, tone: 'dim'},
              ],
              opens: ask('pod', pod),
            };
          }),
        ),
      },
      {
        key: 'about',
        title: 'About',
        body: {
          type: 'fields',
          fields: [
            {label: 'kernel', cells: [{text: '6.18.5'}]},
            {label: 'uptime', cells: [{text: '12 d 03 h'}]},
            {label: 'runtime', cells: [{text: 'containerd 1.6.20'}]},
            {
              label: 'command',
              cells: [
                {
                  text: '/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --container-runtime-endpoint=unix:///run/containerd/containerd.sock',
                },
              ],
            },
          ],
        },
      },
    ],
    gaps: [
      'worker-1: conntrack was not read: the module nf_conntrack_netlink is not loaded. Load it to see translations.',
      'worker-1: 2 processes hide their descriptors from this user. Connect as root to see them.',
    ],
  };
}

const CONNECTIONS = [
  ['tcp', 'ESTAB', '10.244.1.3:41822', '10.244.2.9:5432', 'shop/db-0', 'worker-2', '0', '1.2 ms'],
  ['tcp', 'ESTAB', '10.244.1.3:41830', '10.244.2.9:5432', 'shop/db-0', 'worker-2', '3', '1.4 ms'],
  ['tcp', 'ESTAB', '10.244.1.3:80', '10.244.1.7:50122', 'shop/cart-1', 'worker-1', '0', '0.1 ms'],
  ['tcp', 'SYN-SENT', '10.244.1.3:50001', '10.96.0.10:9999', '-', '-', '4', '-'],
  ['udp', 'UNCONN', '10.244.1.3:53211', '10.96.0.10:53', 'kube-system/dns', 'control', '-', '-'],
] as const;

export function pod(retransmits = '3', extra: readonly Row[] = [], without: readonly string[] = []): View {
  const columns = [
    column('proto', {min: 3, priority: 4}),
    column('state', {min: 5, priority: 1}),
    column('local', {min: 12, priority: 2}),
    column('peer', {min: 12}),
    column('pod', {min: 8, priority: 1, grow: true}),
    column('node', {min: 6, priority: 3}),
    column('retrans', {...NUMBER, priority: 2}),
    column('rtt', {...NUMBER, priority: 2}),
  ];
  const rows = CONNECTIONS.map((cells): Row => {
    const [, state, local, peer, , , retrans] = cells;
    return {
      id: `${local}-${peer}`,
      cells: cells.map((text, i): Cell => {
        if (i === 1) return {text, tone: state === 'SYN-SENT' ? 'bad' : 'good'};
        return i === 6 && retrans === '3' ? {text: retransmits} : {text};
      }),
      opens: ask('connection', local, peer),
      ...(state === 'ESTAB' ? {other: ask('connection', peer, local)} : {}),
      evidence: [{node: 'worker-1', fact: 'sockets', netns: '4026532210', sweep: 40, from: 120, to: 300}],
    };
  });
  const connections: Facet = {
    key: 'connections',
    title: 'Connections',
    body: table(
      columns,
      [...extra, ...rows].filter(({id}) => !without.includes(id)),
      'This pod has no connections now. Its listeners are in the next part.',
    ),
  };
  return {
    title: 'pod shop/web-1',
    summary: [
      {text: 'web-1 runs on '},
      {text: 'worker-1', tone: 'accent'},
      {text: ' with 10.244.1.3, 2 containers, '},
      {text: '1 connection is not answered', tone: 'bad'},
    ],
    facets: [
      connections,
      {
        key: 'attachment',
        title: 'Attachment',
        body: {
          type: 'lines',
          lines: [
            [{text: 'pod shop/web-1', tone: 'strong'}],
            [{text: '└─ eth0      10.244.1.3/24  mtu 1450'}],
            [{text: '   └─ veth1a2b  ', tone: 'accent'}, {text: 'on worker-1, ifindex 14'}],
            [{text: '      └─ cni0   10.244.1.1/24'}],
          ],
        },
      },
      {
        key: 'listeners',
        title: 'Listeners',
        body: table([column('port')], [], 'Nothing listens in this pod.'),
      },
    ],
    gaps: [],
  };
}

export function connection(local: string, peer: string): View {
  return {
    title: `connection ${local} ${peer}`,
    summary: [{text: 'Seen from both ends', tone: 'good'}],
    facets: [
      {
        key: 'ends',
        title: 'Ends',
        body: {
          type: 'fields',
          fields: [
            {label: 'from', cells: [{text: local}], opens: ask('pod', 'shop/web-1')},
            {label: 'to', cells: [{text: peer}], opens: ask('node', 'worker-2')},
            {label: 'state', cells: [{text: 'ESTAB', tone: 'good'}]},
          ],
        },
      },
    ],
    gaps: [],
  };
}

export function script(podView: View = pod()): Script {
  const [a, b] = ['10.244.1.3:41822', '10.244.2.9:5432'];
  return {
    overview: overview(),
    'node control': node('control'),
    'node worker-1': node('worker-1'),
    'node worker-2': node('worker-2'),
    'pod shop/web-1': podView,
    [`connection ${a} ${b}`]: connection(a, b),
    [`connection ${b} ${a}`]: connection(b, a),
    'pod shop/wbe-1': {
      missing: 'There is no pod shop/wbe-1 on the nodes that were read.',
      suggestions: ['shop/web-1'],
    },
  };
}
