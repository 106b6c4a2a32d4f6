import {expect, test} from 'vitest';
import type {Cluster} from '../../source/facts/cluster.ts';
import {buildGraph} from '../../source/model/build.ts';
import {JOINS} from '../../source/model/joins.ts';
import {overview} from '../../source/questions/overview.ts';
import {peersOf} from '../../source/questions/peer-rows.ts';
import {pods} from '../../source/questions/pods.ts';
import {socketsOf} from '../../source/questions/socket-select.ts';
import {type NodeSpec, snapshotOf} from './world.ts';

const AT = '2026-01-01T00:00:10.000Z';
const SPAN = {from: 0, to: 10};

function graphWith(nodes: Record<string, NodeSpec>, cluster: {nodes?: object[]; pods?: object[]}) {
  const dated = (value: object[] | undefined) => value && {sweep: 1, at: AT, uptime: 0, value};
  const said = {
    nodes: dated(cluster.nodes?.map(node => ({...SPAN, status: 'Ready', podCidrs: [], ...node}))),
    pods: dated(
      cluster.pods?.map(pod => ({
        ...SPAN,
        status: 'Running',
        containers: [],
        addresses: [],
        namespace: 'shop',
        ...pod,
      })),
    ),
  } as unknown as Cluster;
  const inputs = Object.entries(nodes).map(
    ([id, spec]) => [id, {snapshot: snapshotOf(id, spec), state: 'ready' as const}] as const,
  );
  return buildGraph(new Map(inputs), AT, {
    node: '(cluster)',
    sweep: 1,
    at: AT,
    uptime: 0,
    netns: new Map(),
    gaps: [],
    cluster: said,
  });
}

const read: NodeSpec = {
  host: '1',
  netns: {
    '1': {links: [{ifindex: 2, name: 'eth0'}], addresses: ['eth0 192.168.0.1/24']},
    '2': {links: [{ifindex: 2, name: 'eth0'}], addresses: ['eth0 10.1.0.5/24']},
  },
  processes: {1: ['1', 'init'], 20: ['2', 'web', 1, 'c'.repeat(64)]},
  sandboxes: [{id: 's', pod: 'web-1', uid: 'u-1'}],
  paths: {'/run/netns/web': '2'},
  sockets: [
    {netns: '1', local: '192.168.0.1:40000', remote: '192.168.0.2:4240'},
    {netns: '1', local: '192.168.0.1:40001', remote: '10.2.0.9:80'},
    {netns: '1', local: '192.168.0.1:40002', remote: '10.2.0.77:80'},
    {netns: '1', local: '192.168.0.1:40003', remote: '203.0.113.5:443'},
  ],
};

test('nodes that only the API knows are there, not read, and own their addresses', () => {
  const graph = graphWith(
    {one: read},
    {
      // The API calls it otherwise: the address tells.
      nodes: [
        {name: 'ip-192-168-0-1', addresses: ['192.168.0.1']},
        {name: 'two', addresses: ['192.168.0.2'], podCidrs: ['10.2.0.0/24']},
      ],
      pods: [{name: 'db-0', node: 'two', addresses: ['10.2.0.9'], uid: 'u-9', hostNetwork: false}],
    },
  );
  expect(graph.nodes.map(({name, state, listed}) => [name, state, listed?.name])).toEqual([
    ['one', 'ready', 'ip-192-168-0-1'],
    ['two', 'listed', 'two'],
  ]);
  const answer = overview.ask(graph, []);
  if ('missing' in answer) throw new Error(answer.missing);
  expect(answer.totals).toMatchObject({nodes: 2, read: 1});
  expect(answer.gaps.find(gap => gap.node === 'two')!.reason).toMatch(/only the Kubernetes API tells of it/);

  const peers = peersOf(graph, socketsOf(graph, {kind: 'all'}), () => false);
  const found = Object.fromEntries(
    peers.map(peer => [peer.addresses[0], [peer.kind, peer.words, peer.node, peer.grade]]),
  );
  expect(found['192.168.0.2']).toEqual(['node', 'two', 'two', 'inferred']);
  expect(found['10.2.0.9']).toEqual(['pod', 'shop/db-0', 'two', 'inferred']);
  expect(found['10.2.0.77']).toEqual(['unread', '10.2.0.77', 'two', 'inferred']);
  // The node that was not read may have it; it is not said to be outside.
  expect(found['203.0.113.5']![0]).toBe('unread');
});

test('a pod that its node shows and the API lists is one pod', () => {
  const graph = graphWith(
    {one: read},
    {pods: [{name: 'web-1', node: 'one', uid: 'u-1', addresses: ['10.1.0.5'], owner: 'ReplicaSet/web'}]},
  );
  const found = graph.pods.filter(pod => pod.name === 'web-1');
  expect(found).toHaveLength(1);
  expect(found[0]!.listed?.owner).toBe('ReplicaSet/web');
  const answer = pods.ask(graph, []);
  if ('missing' in answer) throw new Error(answer.missing);
  expect(answer.pods[0]!.evidence.map(({node, fact}) => [node, fact])).toContainEqual([
    '(cluster)',
    'kube-pods',
  ]);
});

test('the API names a pod that only its cgroup tells of', () => {
  const uid = '11111111-2222-3333-4444-555555555555';
  const snapshot = snapshotOf('one', {host: '1', netns: {'1': {}}, processes: {7: ['1', 'x']}});
  const nameless = {
    ...snapshot,
    memberships: {...snapshot.memberships!, value: [{...SPAN, pid: 7, container: 'd'.repeat(64), uid}]},
  };
  const cluster = {
    pods: {
      sweep: 1,
      at: AT,
      uptime: 0,
      value: [
        {
          ...SPAN,
          namespace: 'shop',
          name: 'api-1',
          uid,
          node: 'one',
          addresses: [],
          status: 'Running',
          containers: [],
        },
      ],
    },
  };
  const graph = buildGraph(new Map([['one', {snapshot: nameless, state: 'ready' as const}]]), AT, {
    ...snapshot,
    node: '(cluster)',
    cluster,
  });
  expect(graph.pods.map(pod => pod.key)).toEqual(['shop/api-1']);
  expect(graph.pods[0]!.why).toMatch(/Kubernetes API/);
});

test('without the API nothing is listed', () => {
  const inputs = new Map([['one', {snapshot: snapshotOf('one', read), state: 'ready' as const}]]);
  const graph = buildGraph(inputs, AT);
  expect(graph.listedAt.size).toBe(0);
  expect([...graph.ends[0]!.join].map(code => JOINS[code]!.key)).not.toContain('listed');
});
