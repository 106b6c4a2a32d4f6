import {buildGraph} from '../../source/model/build.ts';
import type {Graph} from '../../source/model/graph.ts';
import {type NodeSpec, snapshotOf} from '../model/world.ts';

const id = (letter: string) => letter.repeat(64);
const lo = {ifindex: 1, name: 'lo', state: 'UNKNOWN', mtu: 65536};

const counters = (bytes: number, dropped = 0) => ({
  rxBytes: bytes,
  rxPackets: bytes / 100,
  rxErrors: 0,
  rxDropped: dropped,
  txBytes: bytes * 2,
  txPackets: bytes / 50,
  txErrors: 0,
  txDropped: 0,
});

/** Two nodes and a third that is lost: web calls db on the other node, and a service whose address nobody has. */
const n1 = (factor: number): NodeSpec => ({
  hostname: 'n1',
  host: '100',
  uptime: 1000 + factor * 2,
  sweep: factor,
  netns: {
    100: {
      links: [
        lo,
        {ifindex: 2, name: 'eth0', mac: '02:00:00:00:00:01', counters: counters(50_000 * factor)},
        {ifindex: 3, name: 'cni0', kind: 'bridge', mtu: 1450},
        {
          ifindex: 7,
          name: 'veth7',
          kind: 'veth',
          master: 'cni0',
          peerIndex: 2,
          peerNsid: 0,
          mtu: 1450,
          counters: counters(20_000 * factor, factor),
        },
      ],
      addresses: ['lo 127.0.0.1/8', 'eth0 192.168.0.1/24', 'cni0 10.2.1.1/24'],
      routes: ['0.0.0.0/0 via 192.168.0.254 dev eth0', '10.2.1.0/24 dev cni0'],
      nsids: {0: '110'},
    },
    110: {
      links: [
        lo,
        {
          ifindex: 2,
          name: 'eth0',
          kind: 'veth',
          peerIndex: 7,
          peerNsid: 0,
          mtu: 1450,
          counters: counters(20_000 * factor),
        },
      ],
      addresses: ['lo 127.0.0.1/8', 'eth0 10.2.1.5/24'],
      routes: ['0.0.0.0/0 via 10.2.1.1 dev eth0'],
    },
  },
  paths: {'/run/netns/cni-web': '110'},
  processes: {1: ['100', 'init', 0], 50: ['110', 'pause', 1, id('a')], 51: ['110', 'httpd', 1, id('b')]},
  sandboxes: [
    {id: id('a'), pod: 'web-1', netnsPath: '/var/run/netns/cni-web'},
    {id: id('b'), pod: 'web-1', sandbox: id('a'), type: 'container', container: 'httpd', image: 'httpd:2.4'},
  ],
  sockets: [
    {netns: '110', local: '0.0.0.0:8080', pids: [51]},
    {
      netns: '110',
      local: '10.2.1.5:40000',
      remote: '10.2.2.9:5432',
      pids: [51],
      sendQ: 9000,
      rtt: 1.25,
      retrans: 3,
    },
    {netns: '110', local: '10.2.1.5:40001', remote: '10.96.0.1:443', pids: [51], rtt: 0.5},
    {netns: '100', local: '0.0.0.0:8472', protocol: 'udp'},
  ],
});

const n2: NodeSpec = {
  hostname: 'n2',
  host: '100',
  netns: {
    100: {
      links: [
        lo,
        {ifindex: 2, name: 'eth0'},
        {ifindex: 7, name: 'veth7', kind: 'veth', peerIndex: 2, peerNsid: 0},
      ],
      addresses: ['eth0 192.168.0.2/24'],
    },
    110: {
      links: [lo, {ifindex: 2, name: 'eth0', kind: 'veth', peerIndex: 7, peerNsid: 0}],
      addresses: ['eth0 10.2.2.9/24'],
    },
  },
  paths: {'/run/netns/cni-db': '110'},
  processes: {1: ['100', 'init', 0], 50: ['110', 'pause', 1, id('c')], 60: ['110', 'postgres', 1, id('d')]},
  sandboxes: [
    {id: id('c'), pod: 'db-0', netnsPath: '/run/netns/cni-db'},
    {id: id('d'), pod: 'db-0', sandbox: id('c'), type: 'container', container: 'postgres'},
  ],
  sockets: [
    {netns: '110', local: '0.0.0.0:5432', pids: [60]},
    {netns: '110', local: '10.2.2.9:5432', remote: '10.2.1.5:40000', pids: [60], recvQ: 4096, rtt: 1.5},
  ],
  gaps: [
    {
      node: 'n2',
      fact: 'forwarding',
      netns: '100',
      reason: 'bridge is not installed.',
      reveal: 'Install iproute2.',
    },
  ],
};

export function shop(): Graph {
  return buildGraph(
    new Map([
      ['n1', {snapshot: snapshotOf('n1', n1(2)), previous: snapshotOf('n1', n1(1)), state: 'ready' as const}],
      ['n2', {snapshot: snapshotOf('n2', n2), state: 'ready' as const}],
      ['n3', {state: 'lost' as const, cause: 'Connection refused by n3:22. Is sshd running there?'}],
    ]),
    '2026-01-01T00:00:10.000Z',
  );
}
