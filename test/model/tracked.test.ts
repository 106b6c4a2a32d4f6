import {describe, expect, test} from 'vitest';
import type {ConntrackTable} from '../../source/facts/conntrack/table.ts';
import {parseConntrack} from '../../source/facts/conntrack.ts';
import type {Graph} from '../../source/model/graph.ts';
import {JOINS} from '../../source/model/joins.ts';
import {stepsFrom} from '../../source/model/tracked.ts';
import {addressText, endpointText} from '../../source/model/words.ts';
import {bytes} from '../facts/samples.ts';
import {graphOf, type NodeSpec, type SocketSpec} from './world.ts';

/** Every connected socket as `node local join other-node:other-local via translations`. */
function joins(graph: Graph): string[] {
  return graph.nodes.flatMap(node => {
    const table = node.snapshot?.sockets?.value;
    const ends = graph.ends[node.index]!;
    return Array.from({length: table?.count ?? 0}, (_, row) => row)
      .filter(row => table!.remotePort[row] !== 0)
      .map(row => {
        const other = graph.nodes[ends.node[row]!];
        const there = other?.snapshot?.sockets?.value;
        const at = ends.row[row]!;
        const place = graph.namespaces[ends.place[row]!];
        const end = there
          ? ` ${other!.name} ${endpointText(addressText(there.local, at, there.family[at]!), there.localPort[at]!)}`
          : place
            ? ` in ${place.node.name}/${place.inode}`
            : '';
        const via = stepsFrom(ends.steps, ends.step[row]!).map(step => graph.nodes[step.node]!.name);
        const local = endpointText(
          addressText(table!.local, row, table!.family[row]!),
          table!.localPort[row]!,
        );
        return `${node.name} ${local} ${JOINS[ends.join[row]!]!.key}${end}${via.length > 0 ? ` via ${via}` : ''}`;
      });
  });
}

/** `tcp 10.0.0.1:40000>10.96.0.1:80 10.0.0.2:8080>10.0.0.1:40000 [ASSURED]`, in the words that the kernel prints. */
function conntrack(netns: string, ...entries: string[]): ConntrackTable {
  const lines = entries.map(entry => {
    const [protocol = '', original = '', answer = '', ...flags] = entry.split(' ');
    const half = (text: string) => {
      const [source, destination] = text.split('>').map(end => {
        const colon = end.lastIndexOf(':');
        return [end.slice(0, colon).replace(/[[\]]/g, ''), end.slice(colon + 1)];
      });
      return `src=${source![0]} dst=${destination![0]} sport=${source![1]} dport=${destination![1]}`;
    };
    const state = flags.find(flag => !flag.startsWith('[')) ?? (protocol === 'tcp' ? 'ESTABLISHED' : '');
    const marks = flags.filter(flag => flag.startsWith('[')).join(' ');
    const unreplied = marks.includes('UNREPLIED') ? '[UNREPLIED] ' : '';
    const family = original.includes('[') ? 'ipv6     10' : 'ipv4     2';
    return `${family} ${protocol} ${protocol === 'tcp' ? 6 : 17} 100 ${state} ${half(original)} ${unreplied}${half(answer)} mark=0 zone=0 use=2\n`;
  });
  const {table, problems} = parseConntrack(bytes(`! file\n@ 1 00000001 all\n${lines.join('')}`), () => netns);
  expect(problems).toEqual([]);
  return table!;
}

const eth = (...addresses: string[]) => ({
  links: [
    {ifindex: 1, name: 'lo'},
    {ifindex: 2, name: 'eth0'},
  ],
  addresses: ['lo 127.0.0.1/8', ...addresses.map(address => `eth0 ${address}`)],
});

/** A node with its own namespace `1` and pods in others. */
function node(
  address: string,
  pods: Readonly<Record<string, string>>,
  sockets: readonly SocketSpec[],
  table?: ConntrackTable,
): NodeSpec {
  return {
    host: '1',
    netns: {
      '1': eth(address),
      ...Object.fromEntries(Object.entries(pods).map(([inode, own]) => [inode, eth(own)])),
    },
    sockets,
    ...(table ? {conntrack: table} : {}),
  };
}

test('a ClusterIP, IPv4 and IPv6: proven by the entry, from both ends', () => {
  const graph = graphOf({
    a: node(
      '10.0.0.1/24',
      {'5': '10.1.1.5/24', '6': 'fd00::5/64'},
      [
        {netns: '5', local: '10.1.1.5:40000', remote: '10.96.0.1:80'},
        {netns: '6', local: '[fd00::5]:40000', remote: '[fd96::1]:80'},
      ],
      conntrack(
        '1',
        'tcp 10.1.1.5:40000>10.96.0.1:80 10.1.2.5:8080>10.1.1.5:40000 [ASSURED]',
        'tcp [fd00::5]:40000>[fd96::1]:80 [fd00::7]:8080>[fd00::5]:40000 [ASSURED]',
      ),
    ),
    b: node('10.0.0.2/24', {'5': '10.1.2.5/24', '7': 'fd00::7/64'}, [
      {netns: '5', local: '10.1.2.5:8080', remote: '10.1.1.5:40000'},
      {netns: '7', local: '[fd00::7]:8080', remote: '[fd00::5]:40000'},
    ]),
  });
  expect(joins(graph)).toEqual([
    'a 10.1.1.5:40000 tracked b 10.1.2.5:8080 via a',
    'a [fd00::5]:40000 tracked b [fd00::7]:8080 via a',
    'b 10.1.2.5:8080 tracked a 10.1.1.5:40000 via a',
    'b [fd00::7]:8080 tracked a [fd00::5]:40000 via a',
  ]);
});

test('twice on the way: masqueraded by one node, then a NodePort of another that masquerades too', () => {
  const graph = graphOf({
    a: node(
      '10.0.0.1/24',
      {'5': '10.1.1.5/24'},
      [{netns: '5', local: '10.1.1.5:40000', remote: '10.0.0.2:30080'}],
      conntrack('1', 'tcp 10.1.1.5:40000>10.0.0.2:30080 10.0.0.2:30080>10.0.0.1:50001 [ASSURED]'),
    ),
    b: node(
      '10.0.0.2/24',
      {},
      [],
      conntrack('1', 'tcp 10.0.0.1:50001>10.0.0.2:30080 10.1.3.5:8080>10.0.0.2:50002 [ASSURED]'),
    ),
    c: node('10.0.0.3/24', {'5': '10.1.3.5/24'}, [
      {netns: '5', local: '10.1.3.5:8080', remote: '10.0.0.2:50002'},
    ]),
  });
  expect(joins(graph)).toEqual([
    'a 10.1.1.5:40000 tracked c 10.1.3.5:8080 via a,b',
    'c 10.1.3.5:8080 tracked a 10.1.1.5:40000 via a,b',
  ]);
});

test('hairpin: who calls itself through a service', () => {
  const graph = graphOf({
    a: node(
      '10.0.0.1/24',
      {'5': '10.1.1.5/24'},
      [
        {netns: '5', local: '10.1.1.5:40000', remote: '10.96.0.1:80'},
        {netns: '5', local: '10.1.1.5:8080', remote: '10.1.1.1:50001'},
      ],
      conntrack('1', 'tcp 10.1.1.5:40000>10.96.0.1:80 10.1.1.5:8080>10.1.1.1:50001 [ASSURED]'),
    ),
  });
  expect(joins(graph)).toEqual([
    'a 10.1.1.5:40000 tracked a 10.1.1.5:8080 via a',
    'a 10.1.1.5:8080 tracked a 10.1.1.5:40000 via a',
  ]);
});

test('a client outside, by way of a NodePort or hostPort: the server knows who it is', () => {
  const graph = graphOf({
    a: node(
      '10.0.0.1/24',
      {'5': '10.1.1.5/24'},
      [{netns: '5', local: '10.1.1.5:8080', remote: '10.0.0.1:50001'}],
      conntrack('1', 'tcp 203.0.113.9:40000>10.0.0.1:30080 10.1.1.5:8080>10.0.0.1:50001 [ASSURED]'),
    ),
  });
  expect(joins(graph)).toEqual(['a 10.1.1.5:8080 tracked-outside via a']);
  expect(graph.ends[0]!.served[0]).toBe(1);
});

describe('a translated connection whose other socket is missing', () => {
  const client = (state: SocketSpec['state'], entry: string, server?: NodeSpec) =>
    joins(
      graphOf({
        a: node(
          '10.0.0.1/24',
          {'5': '10.1.1.5/24'},
          [{netns: '5', local: '10.1.1.5:40000', remote: '10.96.0.1:80', ...(state ? {state} : {})}],
          conntrack('1', `tcp 10.1.1.5:40000>10.96.0.1:80 10.1.2.5:8080>10.1.1.5:40000 ${entry}`),
        ),
        b:
          server ??
          node('10.0.0.2/24', {'5': '10.1.2.5/24'}, [
            {netns: '5', local: '0.0.0.0:9'},
            {netns: '1', local: '0.0.0.0:9'},
          ]),
      }),
    );

  test('closed, closing, unanswered, gone: each is said', () => {
    expect(client('TIME-WAIT', 'TIME_WAIT [ASSURED]')).toEqual([
      'a 10.1.1.5:40000 tracked-closed in b/5 via a',
    ]);
    expect(client('CLOSE-WAIT', 'CLOSE_WAIT [ASSURED]')).toEqual([
      'a 10.1.1.5:40000 tracked-closed in b/5 via a',
    ]);
    expect(client('SYN-SENT', 'SYN_SENT [UNREPLIED]')).toEqual([
      'a 10.1.1.5:40000 tracked-silent in b/5 via a',
    ]);
    expect(client('ESTAB', 'ESTABLISHED [ASSURED]')).toEqual(['a 10.1.1.5:40000 tracked-half in b/5 via a']);
  });

  test('its namespace was not read, or it is outside', () => {
    const unread = node('10.0.0.2/24', {'5': '10.1.2.5/24'}, []);
    expect(client('ESTAB', 'ESTABLISHED [ASSURED]', unread)).toEqual([
      'a 10.1.1.5:40000 tracked-unread in b/5 via a',
    ]);
    expect(client('ESTAB', 'ESTABLISHED [ASSURED]', node('10.0.0.2/24', {}, []))).toEqual([
      'a 10.1.1.5:40000 tracked-outside via a',
    ]);
  });
});

test('an address that nobody has and conntrack does not translate is outside; where BPF translates, that is not said', () => {
  const outside = (bpf: readonly string[]) => {
    const spec = node(
      '10.0.0.1/24',
      {'5': '10.1.1.5/24'},
      [{netns: '5', local: '10.1.1.5:40000', remote: '203.0.113.9:80'}],
      conntrack('1', 'tcp 10.1.1.5:40000>203.0.113.9:80 203.0.113.9:80>10.1.1.5:40000 [ASSURED]'),
    );
    const host = {...spec.netns!['1'], netfilter: {rulesets: [], servers: [], bpf}};
    return joins(graphOf({a: {...spec, netns: {...spec.netns, '1': host}}}));
  };
  expect(outside([])).toEqual(['a 10.1.1.5:40000 beyond']);
  expect(outside(['cilium_lb4_services_v2'])).toEqual(['a 10.1.1.5:40000 ebpf']);
});

test('a table that is older than the sockets says nothing of a connection that it does not have', () => {
  const seen = (conntrackSweep: number, port: number) =>
    joins(
      graphOf({
        a: {
          ...node(
            '10.0.0.1/24',
            {'5': '10.1.1.5/24'},
            [{netns: '5', local: `10.1.1.5:${port}`, remote: '10.96.0.1:80'}],
            conntrack('1', 'tcp 10.1.1.5:40000>10.96.0.1:80 10.96.0.1:80>10.1.1.5:40000 [ASSURED]'),
          ),
          sweep: 4,
          conntrackSweep,
        },
      }),
    );
  expect(seen(4, 40_001)).toEqual(['a 10.1.1.5:40001 beyond']);
  expect(seen(1, 40_001)).toEqual(['a 10.1.1.5:40001 not-yet']);
  expect(seen(1, 40_000)).toEqual(['a 10.1.1.5:40000 beyond']);
});

test('UDP: the answered entry leads to the one socket that is bound there', () => {
  const graph = graphOf({
    a: node(
      '10.0.0.1/24',
      {'5': '10.1.1.5/24'},
      [{netns: '5', protocol: 'udp', local: '10.1.1.5:40000', remote: '10.96.0.10:53'}],
      conntrack('1', 'udp 10.1.1.5:40000>10.96.0.10:53 10.1.2.5:5353>10.1.1.5:40000 [ASSURED]'),
    ),
    b: node('10.0.0.2/24', {'5': '10.1.2.5/24'}, [{netns: '5', protocol: 'udp', local: '0.0.0.0:5353'}]),
  });
  expect(joins(graph)).toEqual(['a 10.1.1.5:40000 tracked-server b 0.0.0.0:5353 via a']);
});

test('a UDP socket of 0.0.0.0 takes no IPv6, and one of [::] alone no IPv4', () => {
  const udp = (local: string, remote?: string): SocketSpec => ({
    netns: '1',
    protocol: 'udp',
    local,
    ...(remote === undefined ? {} : {remote}),
  });
  const graph = graphOf({
    a: node(
      'fd00::1/64',
      {},
      [udp('[fd00::1]:40000', '[fd96::a]:53')],
      conntrack('1', 'udp [fd00::1]:40000>[fd96::a]:53 [fd00::2]:53>[fd00::1]:40000'),
    ),
    b: node('fd00::2/64', {}, [udp('0.0.0.0:53'), udp('[::]:53')]),
  });
  expect(joins(graph)).toEqual(['a [fd00::1]:40000 tracked-server b [::]:53 via a']);
});

test('two entries that lead to one socket prove neither; two nodes with the same entry are a fork', () => {
  const entry = 'tcp 10.1.1.5:40000>10.96.0.1:80 10.1.2.5:8080>10.1.1.5:40000 [ASSURED]';
  const server = node('10.0.0.2/24', {'5': '10.1.2.5/24'}, [
    {netns: '5', local: '10.1.2.5:8080', remote: '10.1.1.5:40000'},
  ]);
  const twin = (address: string) =>
    node(
      address,
      {'5': '10.1.1.5/24'},
      [{netns: '5', local: '10.1.1.5:40000', remote: '10.96.0.1:80'}],
      conntrack('1', entry),
    );
  expect(joins(graphOf({a: twin('10.0.0.1/24'), c: twin('10.0.0.3/24'), b: server}))).toEqual([
    'a 10.1.1.5:40000 ambiguous via a',
    'c 10.1.1.5:40000 ambiguous via c',
    'b 10.1.2.5:8080 ambiguous',
  ]);
});

test('what is translated to loopback inside a pod (a mesh’s sidecar) stays in that pod', () => {
  const sidecar = (inode: string, own: string): SocketSpec[] => [
    {netns: inode, local: `${own}:40000`, remote: '10.96.0.1:80'},
    {netns: inode, local: '127.0.0.1:15001', remote: `${own}:40000`},
  ];
  const spec = node(
    '10.0.0.1/24',
    {'5': '10.1.1.5/24', '6': '10.1.1.6/24'},
    [...sidecar('5', '10.1.1.5'), {netns: '6', local: '127.0.0.1:15001', remote: '10.1.1.5:40000'}],
    conntrack('5', 'tcp 10.1.1.5:40000>10.96.0.1:80 127.0.0.1:15001>10.1.1.5:40000 [ASSURED]'),
  );
  expect(joins(graphOf({a: spec})).slice(0, 2)).toEqual([
    'a 10.1.1.5:40000 tracked a 127.0.0.1:15001 via a',
    'a 127.0.0.1:15001 tracked a 10.1.1.5:40000 via a',
  ]);
});

test('sockets that mirror each other are joined as before, entries or not', () => {
  const graph = graphOf({
    a: node(
      '10.0.0.1/24',
      {},
      [{netns: '1', local: '10.0.0.1:40000', remote: '10.0.0.2:80'}],
      conntrack('1', 'tcp 10.0.0.1:40000>10.0.0.2:80 10.0.0.2:80>10.0.0.1:40000 [ASSURED]'),
    ),
    b: node('10.0.0.2/24', {}, [{netns: '1', local: '10.0.0.2:80', remote: '10.0.0.1:40000'}]),
  });
  expect(joins(graph)).toEqual([
    'a 10.0.0.1:40000 both b 10.0.0.2:80',
    'b 10.0.0.2:80 both a 10.0.0.1:40000',
  ]);
});
