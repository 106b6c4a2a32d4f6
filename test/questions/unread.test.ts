import {describe, expect, test} from 'vitest';
import type {Graph, NodeInput} from '../../source/model/graph.ts';
import {ask} from '../../source/questions/catalogue.ts';
import type {ConnectionAnswer} from '../../source/questions/connection.ts';
import type {PeersAnswer} from '../../source/questions/peers.ts';
import type {Question, QuestionName} from '../../source/questions/question.ts';
import {socketAt} from '../../source/questions/socket-rows.ts';
import type {SocketsAnswer} from '../../source/questions/sockets.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {graphOf, type NodeSpec} from '../model/world.ts';

const CAUSE = 'The host key of 10.0.0.2 has changed.';
const REFUSED: NodeInput = {state: 'lost', cause: CAUSE, since: '2026-01-01T00:00:01.000Z'};

/** As flannel sets it up: a route by a vxlan, whose neighbour's MAC address is behind the other node's address. */
const reader = (gaps: NodeSpec['gaps'] = []): NodeSpec => ({
  hostname: 'a',
  host: '1',
  netns: {
    1: {
      links: [
        {ifindex: 2, name: 'eth0', kind: 'veth'},
        {ifindex: 3, name: 'flannel.1', kind: 'vxlan'},
        {ifindex: 4, name: 'cni0', kind: 'bridge'},
      ],
      addresses: ['eth0 10.0.0.1/24', 'cni0 10.2.1.1/24'],
      routes: [
        '0.0.0.0/0 via 10.0.0.254 dev eth0',
        '10.0.0.0/24 dev eth0',
        '10.2.1.0/24 dev cni0',
        '10.2.2.0/24 via 10.2.2.0 dev flannel.1',
        '10.2.3.0/24 via 10.0.0.2 dev eth0',
      ],
      neighbours: ['flannel.1 10.2.2.0 02:00:00:00:00:02'],
      forwarding: ['flannel.1 02:00:00:00:00:02 10.0.0.2'],
    },
  },
  processes: {1: ['1', 'init', 0], 7: ['1', 'curl']},
  sockets: [
    {netns: '1', local: '10.0.0.1:40001', remote: '10.2.2.9:5432', pids: [7]},
    {netns: '1', local: '10.0.0.1:40002', remote: '10.2.3.9:5432', pids: [7]},
    {netns: '1', local: '10.0.0.1:40003', remote: '10.0.0.2:22', pids: [7]},
    {netns: '1', local: '10.0.0.1:40004', remote: '10.96.0.1:443', pids: [7]},
    {netns: '1', local: '10.0.0.1:40005', remote: '10.2.1.99:80', pids: [7]},
  ],
  gaps,
});

function answer<A>(graph: Graph, name: QuestionName, ...words: string[]): A {
  const found = ask(graph, {name, words});
  if ('missing' in found) throw new Error(found.missing);
  return found as unknown as A;
}

function others(graph: Graph) {
  const {sockets} = answer<SocketsAnswer>(graph, 'sockets', 'a');
  return Array.from({length: sockets.count}, (_, i) => socketAt(sockets, i)).map(({remote, other}) => [
    remote,
    other.join,
    other.grade,
    other.node,
    other.perhaps,
  ]);
}

describe('while a node is not read', () => {
  const graph = graphOf({a: reader(), 'root@10.0.0.2': REFUSED});
  const id = 'root@10.0.0.2';

  test('an address that nobody has is nowhere claimed to be NAT; routes, neighbours and FDB name the node', () => {
    expect(others(graph)).toEqual([
      ['10.2.2.9', 'led', 'inferred', id, [id]],
      ['10.2.3.9', 'led', 'inferred', id, [id]],
      ['10.0.0.2', 'given', 'inferred', id, []],
      ['10.96.0.1', 'perhaps', 'unknown', undefined, [id]],
      ['10.2.1.99', 'perhaps', 'unknown', undefined, [id]],
    ]);
    for (const name of ['sockets', 'peers'] as const) {
      const text = viewText(toView(answer(graph, name, 'a')));
      expect(text).toContain(`~ ${name === 'peers' ? '10.2.2.9 (' : ''}perhaps on ${id}, not read`);
      expect(text).not.toContain('NAT or outside');
    }
  });

  test('peers name the node that the address was given for', () => {
    const {peers} = answer<PeersAnswer>(graph, 'peers', 'a:7');
    expect(peers.map(peer => [peer.kind, peer.words, peer.node])).toEqual([
      ['unread', '10.2.1.99', undefined],
      ['unread', '10.2.2.9', id],
      ['unread', '10.2.3.9', id],
      ['unread', '10.96.0.1', undefined],
      ['node', id, id],
    ]);
  });

  test('a connection names the node, and no pod', () => {
    const {connection} = answer<ConnectionAnswer>(graph, 'connection', '10.0.0.1:40001-10.2.2.9:5432');
    expect(connection.ends[1]).toMatchObject({node: id, netns: undefined, pod: undefined});
  });

  test('every answer with connections carries its gap, one of another node’s routes does not', () => {
    const asked: Question[] = [
      {name: 'sockets', words: ['a']},
      {name: 'peers', words: ['a:7']},
      {name: 'process', words: ['a:7']},
      {name: 'link', words: ['a/eth0']},
      {name: 'node', words: ['a']},
      {name: 'connection', words: ['10.0.0.1:40001-10.2.2.9:5432']},
      {name: 'pods', words: []},
    ];
    for (const {name, words} of asked) {
      const found = answer<SocketsAnswer>(graph, name, ...words);
      expect(found.gaps, name).toEqual([{node: id, fact: 'node', reason: CAUSE}]);
      expect(viewText(toView(found)), name).toContain(`NOT SEEN\n`);
    }
    expect(answer<SocketsAnswer>(graph, 'routes', 'a').gaps).toEqual([]);
  });
});

test('when all nodes are read whole, what nobody has is behind NAT or outside', () => {
  expect(others(graphOf({a: reader()})).map(([, join]) => join)).toEqual(Array(5).fill('outside'));
});

test('on a node whose namespaces were not all read, its own bridge may hide the address', () => {
  const graph = graphOf({a: reader([{node: 'a', fact: 'namespaces', reason: 'not root'}])});
  expect(others(graph).map(([, join, , node]) => [join, node])).toEqual([
    ['outside', undefined],
    ['outside', undefined],
    ['outside', undefined],
    ['outside', undefined],
    ['led', 'a'],
  ]);
});
