import {describe, expect, test} from 'vitest';
import type {Graph} from '../../source/model/graph.ts';
import {JOINS} from '../../source/model/joins.ts';
import {addressText, endpointText} from '../../source/model/words.ts';
import {graphOf, type NodeSpec, type SocketSpec, snapshotOf} from './world.ts';

/** Every connected socket as `local join other-node:other-local`. */
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
        const end = there
          ? ` ${other!.name} ${endpointText(addressText(there.local, at, there.family[at]!), there.localPort[at]!)}`
          : '';
        const place = graph.namespaces[ends.place[row]!];
        const local = endpointText(
          addressText(table!.local, row, table!.family[row]!),
          table!.localPort[row]!,
        );
        return `${node.name} ${local} ${JOINS[ends.join[row]!]!.key}${end || (place ? ` in ${place.node.name}/${place.inode}` : '')}`;
      });
  });
}

const eth = (ifindex: number, address: string) => ({
  links: [
    {ifindex: 1, name: 'lo'},
    {ifindex, name: 'eth0'},
  ],
  addresses: ['lo 127.0.0.1/8', 'lo ::1/128', `eth0 ${address}`],
});

/** A node whose own namespace has one address. */
const host = (inode: string, address: string, sockets: readonly SocketSpec[]): NodeSpec => ({
  host: inode,
  netns: {[inode]: eth(2, address)},
  sockets,
});

test('both ends are joined across nodes, whose namespaces have the same inode', () => {
  const graph = graphOf({
    a: host('1', '10.0.0.1/24', [{netns: '1', local: '10.0.0.1:40000', remote: '10.0.0.2:80'}]),
    b: host('1', '10.0.0.2/24', [
      {netns: '1', local: '0.0.0.0:80'},
      {netns: '1', local: '10.0.0.2:80', remote: '10.0.0.1:40000'},
    ]),
  });
  expect(joins(graph)).toEqual([
    'a 10.0.0.1:40000 both b 10.0.0.2:80',
    'b 10.0.0.2:80 both a 10.0.0.1:40000',
  ]);
});

test('IPv6 is joined as IPv4 is, and UDP is not joined with TCP', () => {
  const graph = graphOf({
    a: host('1', 'fd00::1/64', [
      {netns: '1', local: '[fd00::1]:40000', remote: '[fd00::2]:80'},
      {netns: '1', local: '[fd00::1]:40001', remote: '[fd00::2]:80', protocol: 'udp'},
    ]),
    b: host('1', 'fd00::2/64', [
      {netns: '1', local: '[fd00::2]:80', remote: '[fd00::1]:40000'},
      {netns: '1', local: '[fd00::2]:80', remote: '[fd00::1]:40001'},
    ]),
  });
  expect(joins(graph)).toEqual([
    'a [fd00::1]:40000 both b [fd00::2]:80',
    'a [fd00::1]:40001 silent in b/1',
    'b [fd00::2]:80 both a [fd00::1]:40000',
    'b [fd00::2]:80 half in a/1',
  ]);
});

test('loopback is joined only inside its namespace, though every namespace has the same 4-tuple', () => {
  const pair = (netns: string): SocketSpec[] => [
    {netns, local: '127.0.0.1:5000', remote: '127.0.0.1:80'},
    {netns, local: '127.0.0.1:80', remote: '127.0.0.1:5000'},
  ];
  const graph = graphOf({
    a: {host: '1', sockets: [...pair('1'), ...pair('2')]},
    b: {host: '1', sockets: [{netns: '1', local: '127.0.0.1:5000', remote: '127.0.0.1:80'}]},
  });
  const place = (node: number, row: number) => graph.ends[node]!.row[row];
  expect([0, 1, 2, 3].map(row => place(0, row))).toEqual([1, 0, 3, 2]);
  expect(joins(graph).at(-1)).toBe('b 127.0.0.1:5000 half in b/1');
});

test('an address that several namespaces have is answered in one’s own', () => {
  const bridge = (inode: string, sockets: SocketSpec[]) => host(inode, '172.17.0.1/16', sockets);
  const pair: SocketSpec[] = [
    {netns: '1', local: '172.17.0.1:5000', remote: '172.17.0.1:80'},
    {netns: '1', local: '172.17.0.1:80', remote: '172.17.0.1:5000'},
  ];
  expect(joins(graphOf({a: bridge('1', pair), b: bridge('1', pair)}))).toEqual([
    'a 172.17.0.1:5000 both a 172.17.0.1:80',
    'a 172.17.0.1:80 both a 172.17.0.1:5000',
    'b 172.17.0.1:5000 both b 172.17.0.1:80',
    'b 172.17.0.1:80 both b 172.17.0.1:5000',
  ]);
});

test('two sockets that fit one are ambiguous from all three sides', () => {
  const client: SocketSpec = {netns: '1', local: '10.0.0.9:5000', remote: '10.0.0.2:80'};
  const graph = graphOf({
    a: host('1', '10.0.0.9/24', [client]),
    clone: host('1', '10.0.0.9/24', [client]),
    b: host('1', '10.0.0.2/24', [{netns: '1', local: '10.0.0.2:80', remote: '10.0.0.9:5000'}]),
  });
  expect(joins(graph)).toEqual([
    'a 10.0.0.9:5000 ambiguous',
    'clone 10.0.0.9:5000 ambiguous',
    'b 10.0.0.2:80 ambiguous',
  ]);
});

test('an address that several other namespaces have, without a socket there, is shared', () => {
  const graph = graphOf({
    a: host('1', '10.0.0.1/24', [{netns: '1', local: '10.0.0.1:5000', remote: '172.17.0.1:80'}]),
    b: host('1', '172.17.0.1/16', []),
    c: host('1', '172.17.0.1/16', []),
  });
  expect(joins(graph)).toEqual(['a 10.0.0.1:5000 shared']);
});

describe('when the other end’s socket is not there', () => {
  const toward = (client: Partial<SocketSpec>, server: readonly SocketSpec[], more: Partial<NodeSpec> = {}) =>
    joins(
      graphOf({
        a: host('1', '10.0.0.1/24', [{netns: '1', local: '10.0.0.1:5000', remote: '10.0.0.2:80', ...client}]),
        b: {...host('1', '10.0.0.2/24', [{netns: '1', local: '0.0.0.0:22'}, ...server]), ...more},
      }),
    )[0];

  test('an address of nobody read is translated or outside', () => {
    expect(toward({remote: '10.96.0.1:443'}, [])).toBe('a 10.0.0.1:5000 outside');
  });
  test('a known address without a socket is half a connection', () => {
    expect(toward({}, [{netns: '1', local: '0.0.0.0:80'}])).toBe('a 10.0.0.1:5000 half in b/1');
  });
  test('TIME-WAIT is closed, as it should be', () => {
    expect(toward({state: 'TIME-WAIT'}, [])).toBe('a 10.0.0.1:5000 closed in b/1');
  });
  test('a call to a port that nobody listens on is silent', () => {
    expect(toward({state: 'SYN-SENT'}, [])).toBe('a 10.0.0.1:5000 silent in b/1');
    expect(toward({state: 'SYN-SENT'}, [{netns: '1', local: '127.0.0.1:80'}])).toBe(
      'a 10.0.0.1:5000 silent in b/1',
    );
  });
  test('a call to a listener is waiting', () => {
    expect(toward({state: 'SYN-SENT'}, [{netns: '1', local: '0.0.0.0:80'}])).toBe(
      'a 10.0.0.1:5000 waiting in b/1',
    );
  });
  test('a namespace whose sockets were not read says so', () => {
    const gaps = [{node: 'b', fact: 'sockets', netns: '1', reason: 'ss is not installed'}];
    expect(toward({}, [], {gaps})).toBe('a 10.0.0.1:5000 unread in b/1');
  });
  test('a connected UDP socket is taken to talk to the one that is bound there', () => {
    const udp = {protocol: 'udp'} as const;
    expect(toward(udp, [{netns: '1', local: '0.0.0.0:80', ...udp}])).toBe(
      'a 10.0.0.1:5000 server b 0.0.0.0:80',
    );
    expect(toward(udp, [{netns: '1', local: '10.0.0.2:80', ...udp}])).toBe(
      'a 10.0.0.1:5000 server b 10.0.0.2:80',
    );
    expect(toward(udp, [])).toBe('a 10.0.0.1:5000 silent in b/1');
    const two = [0, 1].map(() => ({netns: '1', local: '0.0.0.0:80', ...udp}));
    expect(toward(udp, two)).toBe('a 10.0.0.1:5000 ambiguous in b/1');
  });
});

describe('through a ClusterIP', () => {
  const server = (local: string, remote: string) => host('1', '10.0.0.2/24', [{netns: '1', local, remote}]);

  test('the one server that sees the client’s own address and port is inferred, from both ends', () => {
    const graph = graphOf({
      a: host('1', '10.0.0.1/24', [{netns: '1', local: '10.0.0.1:5000', remote: '10.96.0.7:80'}]),
      b: server('10.0.0.2:8080', '10.0.0.1:5000'),
    });
    expect(joins(graph)).toEqual([
      'a 10.0.0.1:5000 translated b 10.0.0.2:8080',
      'b 10.0.0.2:8080 translated a 10.0.0.1:5000',
    ]);
  });

  test('a client that used the port for two services is not joined', () => {
    const graph = graphOf({
      a: host('1', '10.0.0.1/24', [
        {netns: '1', local: '10.0.0.1:5000', remote: '10.96.0.7:80'},
        {netns: '1', local: '10.0.0.1:5000', remote: '10.96.0.8:80'},
      ]),
      b: server('10.0.0.2:8080', '10.0.0.1:5000'),
    });
    expect(joins(graph)).toEqual([
      'a 10.0.0.1:5000 outside',
      'a 10.0.0.1:5000 outside',
      'b 10.0.0.2:8080 half in a/1',
    ]);
  });

  test('a server’s own socket toward nobody read is no client of another’s half-seen connection', () => {
    const graph = graphOf({
      a: host('1', '10.0.0.1/24', [
        {netns: '1', local: '0.0.0.0:4240'},
        {netns: '1', local: '10.0.0.1:4240', remote: '10.0.0.3:5000'},
      ]),
      b: host('1', '10.0.0.2/24', [{netns: '1', local: '10.0.0.2:5000', remote: '10.0.0.1:4240'}]),
    });
    expect(joins(graph)).toEqual(['a 10.0.0.1:4240 outside', 'b 10.0.0.2:5000 half in a/1']);
  });

  test('masquerade hides the client: both stay unknown, the address is still named', () => {
    const graph = graphOf({
      a: host('1', '10.0.0.1/24', [{netns: '1', local: '10.0.0.1:5000', remote: '10.96.0.7:80'}]),
      b: server('10.0.0.2:8080', '10.0.0.1:61000'),
    });
    expect(joins(graph)).toEqual(['a 10.0.0.1:5000 outside', 'b 10.0.0.2:8080 half in a/1']);
  });
});

test('thousands of connections to one address all find their own end', () => {
  const specs = (swap: boolean): SocketSpec[] =>
    Array.from({length: 20_000}, (_, i) => {
      const [client, end] = [`10.0.0.1:${1024 + i}`, '10.0.0.2:80'];
      return swap ? {netns: '1', local: end, remote: client} : {netns: '1', local: client, remote: end};
    }).sort(() => (swap ? -1 : 1));
  const graph = graphOf({
    a: host('1', '10.0.0.1/24', specs(false)),
    b: host('1', '10.0.0.2/24', specs(true)),
  });
  const [a, b] = graph.ends;
  const tables = graph.nodes.map(node => node.snapshot!.sockets!.value);
  for (let row = 0; row < 20_000; row += 1) {
    expect(a!.node[row]).toBe(1);
    const other = a!.row[row]!;
    if (tables[1]!.remotePort[other] !== tables[0]!.localPort[row] || b!.row[other] !== row)
      throw new Error(`row ${row}`);
  }
});

describe('a node that was lost after it was read', () => {
  const lost = (id: string, spec: NodeSpec) => ({snapshot: snapshotOf(id, spec), state: 'lost' as const});

  test('what others have with it may be newer; inside it both ends are of one moment', () => {
    const graph = graphOf({
      a: host('1', '10.0.0.1/24', [{netns: '1', local: '10.0.0.1:40000', remote: '10.0.0.2:80'}]),
      b: lost(
        'b',
        host('1', '10.0.0.2/24', [
          {netns: '1', local: '10.0.0.2:40000', remote: '10.0.0.2:81'},
          {netns: '1', local: '10.0.0.2:40001', remote: '10.0.0.1:81'},
        ]),
      ),
    });
    expect(joins(graph)).toEqual([
      'a 10.0.0.1:40000 unread in b/1',
      'b 10.0.0.2:40000 half in b/1',
      'b 10.0.0.2:40001 half in a/1',
    ]);
  });

  test('its client of a ClusterIP is still joined with the server', () => {
    const graph = graphOf({
      a: lost('a', host('1', '10.0.0.1/24', [{netns: '1', local: '10.0.0.1:40000', remote: '10.9.9.9:80'}])),
      b: host('1', '10.0.0.2/24', [{netns: '1', local: '10.0.0.2:8080', remote: '10.0.0.1:40000'}]),
    });
    expect(joins(graph)).toEqual([
      'a 10.0.0.1:40000 translated b 10.0.0.2:8080',
      'b 10.0.0.2:8080 translated a 10.0.0.1:40000',
    ]);
  });
});
