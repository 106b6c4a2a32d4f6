/** Which node of the API is which that was read, and where the two say different things. */
import {expect, test} from 'vitest';
import type {Identity} from '../../source/facts/identity.ts';
import type {ClusterNode} from '../../source/facts/kube/nodes.ts';
import {buildGraph} from '../../source/model/build.ts';
import {node as nodeQuestion} from '../../source/questions/node.ts';
import {overview} from '../../source/questions/overview.ts';
import {pods} from '../../source/questions/pods.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {type NodeSpec, snapshotOf} from './world.ts';

const AT = '2026-01-01T00:00:10.000Z';
const SPAN = {from: 0, to: 10};

type Read = NodeSpec & {readonly identity?: Partial<Identity>; readonly kubernetes?: string};
type Listed = Partial<ClusterNode> & {readonly name: string};

function graphWith(
  read: Record<string, Read>,
  nodes: readonly Listed[],
  pods?: readonly object[],
  whole: readonly ('nodes' | 'pods')[] = ['nodes', 'pods'],
) {
  const dated = <T>(value: T) => ({sweep: 1, at: AT, uptime: 0, value});
  const inputs = Object.entries(read).map(([id, {identity, kubernetes, ...spec}]) => {
    const snapshot = snapshotOf(id, spec);
    const value = {...snapshot.identity!.value, ...identity};
    const input = {snapshot: {...snapshot, identity: dated(value)}, state: 'ready' as const, kubernetes};
    return [id, input] as const;
  });
  const rows = nodes.map(one => ({
    ...SPAN,
    status: 'Ready',
    podCidrs: [],
    external: [],
    addresses: [],
    ...one,
  }));
  const podRows = pods?.map(one => ({
    ...SPAN,
    namespace: 'shop',
    status: 'Running',
    containers: [],
    addresses: [],
    hostNetwork: false,
    ...one,
  }));
  return buildGraph(new Map(inputs), AT, {
    ...{node: '(cluster)', sweep: 1, at: AT, uptime: 0, netns: new Map(), gaps: []},
    cluster: {whole: new Set(whole), nodes: dated(rows), ...(podRows ? {pods: dated(podRows as never)} : {})},
  });
}

const at = (address: string, rest: Partial<Read> = {}): Read => ({
  host: '1',
  netns: {'1': {links: [{ifindex: 2, name: 'eth0'}], addresses: [`eth0 ${address}/24`]}},
  ...rest,
});

const joined = (graph: ReturnType<typeof graphWith>) =>
  graph.nodes.map(({id, listed, listedAs}) => [id, listed?.name, listedAs?.grade, listedAs?.why]);

test('the boot id proves it, whatever else was given anew', () => {
  const graph = graphWith({a: at('10.0.0.1', {identity: {bootId: 'boot-1', machineId: 'm1'}})}, [
    {name: 'ip-172-16-0-1', bootId: 'boot-1', machineId: 'm1', addresses: ['172.16.0.1']},
  ]);
  expect(joined(graph)).toEqual([
    ['a', 'ip-172-16-0-1', 'proven', 'the same boot id and machine id, but another address'],
  ]);
});

test('machine id with the address is proof; the address alone is inferred', () => {
  const graph = graphWith({a: at('10.0.0.1', {identity: {machineId: 'm1'}}), b: at('10.0.0.2')}, [
    {name: 'one', machineId: 'm1', addresses: ['10.0.0.1']},
    {name: 'two', addresses: ['10.0.0.2']},
  ]);
  expect(joined(graph)).toEqual([
    ['a', 'one', 'proven', 'the same machine id and address 10.0.0.1'],
    ['b', 'two', 'inferred', 'the same address 10.0.0.2'],
  ]);
});

test('a name alone does not join what the machine ids and addresses keep apart', () => {
  const graph = graphWith({'worker-1': at('10.0.0.1', {identity: {machineId: 'm1'}})}, [
    {name: 'worker-1', machineId: 'm9', addresses: ['10.9.0.1']},
  ]);
  expect(joined(graph)).toEqual([
    ['worker-1', undefined, undefined, undefined],
    ['worker-1@api', 'worker-1', undefined, undefined],
  ]);
  expect(graph.gaps.map(({reason}) => reason)).toContain(
    'Whether worker-1 is the node worker-1 of the Kubernetes API is not certain: worker-1 (the same name, but another machine id and address).',
  );
});

test('what the inventory calls it joins it behind another address, and never against what was read of it', () => {
  const nodes = [
    {name: 'ip-1', addresses: ['10.9.0.1']},
    {name: 'ip-2', addresses: ['10.9.0.2'], machineId: 'm2'},
    {name: 'ip-3', addresses: ['10.0.0.3']},
  ];
  const graph = graphWith(
    {
      one: at('10.0.0.1', {kubernetes: 'IP-1'}),
      two: at('10.0.0.2', {kubernetes: 'ip-2', identity: {machineId: 'm1'}}),
      // By its address it would be ip-3, which the person says it is not.
      three: at('10.0.0.3', {kubernetes: 'ip-9'}),
    },
    nodes,
  );
  expect(joined(graph).slice(0, 3)).toEqual([
    ['one', 'ip-1', 'inferred', 'the same name in the inventory, but another address'],
    ['two', undefined, undefined, undefined],
    ['three', undefined, undefined, undefined],
  ]);
  expect(graph.gaps.map(({reason}) => reason)).toContain(
    'Whether two is the node ip-2 of the Kubernetes API is not certain: two (the same name in the inventory, but another machine id and address).',
  );
});

test('clones with one machine id are told apart by their addresses', () => {
  const clone = {machineId: 'm1'};
  const graph = graphWith({a: at('10.0.0.1', {identity: clone}), b: at('10.0.0.2', {identity: clone})}, [
    {name: 'two', machineId: 'm1', addresses: ['10.0.0.2']},
    {name: 'one', machineId: 'm1', addresses: ['10.0.0.1']},
  ]);
  expect(joined(graph).map(([id, name]) => [id, name])).toEqual([
    ['a', 'one'],
    ['b', 'two'],
  ]);
});

test('what fits two of the API’s nodes alike is joined to none, and said', () => {
  const graph = graphWith({a: at('10.0.0.1')}, [
    {name: 'one', addresses: ['10.0.0.1']},
    {name: 'two', addresses: ['10.0.0.1']},
  ]);
  expect(graph.nodes.map(({state}) => state)).toEqual(['ready', 'listed', 'listed']);
  expect(graph.gaps.map(({reason}) => reason)).toContain(
    'a may be each of one, two of the Kubernetes API: the same is true of all.',
  );
});

test('a node of another cluster is a gap; what was pasted in part is no contradiction', () => {
  const stranger = graphWith({a: at('10.0.0.1')}, [{name: 'one', addresses: ['10.9.0.1']}]);
  expect(stranger.gaps.map(({node, reason}) => `${node}: ${reason}`)).toContainEqual(
    expect.stringMatching(/^a: The Kubernetes API lists no node like a/),
  );
  const spec = at('10.1.0.1');
  const snapshot = snapshotOf('one', spec);
  const {uid: _, ...pasted} = snapshot.identity!.value;
  const graph = buildGraph(
    new Map([
      [
        'one',
        {snapshot: {...snapshot, identity: {...snapshot.identity!, value: pasted}}, state: 'ready' as const},
      ],
    ]),
    AT,
    {
      ...{node: '(cluster)', sweep: 1, at: AT, uptime: 0, netns: new Map(), gaps: []},
      cluster: {
        nodes: {
          ...{sweep: 1, at: AT, uptime: 0},
          value: [
            {...SPAN, name: 'one', status: 'Ready', podCidrs: [], external: [], addresses: ['10.9.0.1']},
          ],
        },
      },
    },
  );
  expect(graph.nodes.map(({listed}) => listed?.name)).toEqual(['one']);
});

const POD: Partial<Read> = {
  netns: {
    '1': {links: [{ifindex: 2, name: 'eth0'}], addresses: ['eth0 10.0.0.1/24']},
    '2': {links: [{ifindex: 2, name: 'eth0'}], addresses: ['eth0 10.1.0.5/24']},
  },
  processes: {1: ['1', 'init'], 20: ['2', 'web', 1, 'c'.repeat(64)]},
  sandboxes: [
    {id: 'c'.repeat(64), pod: 'web-1', uid: 'u-1', namespace: 'shop'},
    {id: 'd'.repeat(64), pod: 'old-1', uid: 'u-2', namespace: 'shop'},
  ],
  paths: {'/run/netns/web': '2'},
};

const disagreements = (graph: ReturnType<typeof graphWith>) =>
  Object.fromEntries(
    graph.pods
      .filter(pod => pod.disagreements.length > 0)
      .map(pod => [`${pod.key} on ${pod.node.name}`, pod.disagreements]),
  );

test('address, phase, node, a pod that the node has not, a sandbox that the API knows not: both are told', () => {
  const graph = graphWith(
    {one: at('10.0.0.1', POD), two: at('10.0.0.2', {sandboxes: []})},
    [
      {name: 'one', addresses: ['10.0.0.1']},
      {name: 'two', addresses: ['10.0.0.2']},
    ],
    [
      {name: 'web-1', uid: 'u-1', node: 'one', addresses: ['10.1.0.9'], status: 'Failed'},
      {name: 'gone-1', uid: 'u-3', node: 'two', addresses: ['10.2.0.9']},
      {name: 'wait-1', uid: 'u-4', node: 'two', status: 'Pending'},
    ],
  );
  expect(disagreements(graph)).toEqual({
    'shop/web-1 on one': [
      'the API says its address is 10.1.0.9, its interface has 10.1.0.5',
      'the API says Failed, a process of it runs on one',
    ],
    'shop/old-1 on one': ['one has its sandbox, the API knows no pod of the uid u-2'],
    'shop/gone-1 on two': ['the API says it runs on two, nothing of it was found there'],
  });
  const answer = pods.ask(graph, []);
  if ('missing' in answer) throw new Error(answer.missing);
  const text = viewText(toView(answer));
  expect(text).toMatch(/API ≠ NODE/);
  expect(text).toMatch(/shop\/gone-1 .*the API says it runs on two, nothing of it was found there/);
});

test('a pod that is on another node than the API says', () => {
  const graph = graphWith(
    {one: at('10.0.0.1', POD), two: at('10.0.0.2', {sandboxes: []})},
    [
      {name: 'one', addresses: ['10.0.0.1']},
      {name: 'two', addresses: ['10.0.0.2']},
    ],
    [
      {name: 'web-1', uid: 'u-1', node: 'two', addresses: ['10.1.0.5']},
      {name: 'old-1', uid: 'u-2', node: 'one', status: 'Succeeded'},
    ],
  );
  const said = 'the API says it is on two, one shows it';
  expect(Object.values(disagreements(graph))).toEqual([[said], [said]]);
});

test('without root, or where the API did not tell of all pods, absence means nothing', () => {
  const graph = graphWith(
    {one: at('10.0.0.1', {...POD, identity: {uid: 1000}})},
    [{name: 'one', addresses: ['10.0.0.1']}],
    [{name: 'gone-1', uid: 'u-3', node: 'one', addresses: ['10.2.0.9']}],
    ['nodes'],
  );
  expect(disagreements(graph)).toEqual({});
});

test('overview shows every column of kubectl get nodes -o wide; node shows which it is and why', () => {
  const graph = graphWith({one: at('10.0.0.1')}, [
    {
      ...{
        name: 'one',
        addresses: ['10.0.0.1', '203.0.113.1'],
        external: ['203.0.113.1'],
        roles: 'control-plane',
      },
      ...{
        version: 'v1.36.2',
        os: 'Debian',
        kernel: '6.1',
        runtime: 'containerd://2.0',
        created: '2025-12-17T00:00:10Z',
      },
    },
    {name: 'two', addresses: ['10.0.0.2']},
  ]);
  const answer = overview.ask(graph, []);
  if ('missing' in answer) throw new Error(answer.missing);
  const [heading = '', first = '', second = ''] = viewText(toView(answer)).split('\n');
  const columns =
    'STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME'.split(' ');
  expect(heading.split(/ {2,}/).filter(title => columns.includes(title))).toEqual(columns);
  expect(first).toMatch(/one +ready +Ready +control-plane +15d +v1\.36\.2 +10\.0\.0\.1 +203\.0\.113\.1/);
  expect(second).toMatch(/two +not read +Ready +<none> +10\.0\.0\.2 +<none>/);
  const about = nodeQuestion.ask(graph, ['one']);
  if ('missing' in about) throw new Error(about.missing);
  expect(viewText(toView(about))).toMatch(/joined by +inferred: the same address 10\.0\.0\.1 and name/);
});
