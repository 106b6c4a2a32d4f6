import {expect, test} from 'vitest';
import {buildGraph} from '../../source/model/build.ts';
import {pidsHolding} from '../../source/model/holders.ts';
import {changedKeys, countersOf, ratesOf} from '../../source/model/rates.ts';
import {graphOf, snapshotOf} from './world.ts';

const id = (letter: string) => letter.repeat(64);

test('a pod gets its namespace from the mount, its processes from their cgroups, its addresses from the namespace', () => {
  const graph = graphOf({
    a: {
      host: '1',
      netns: {
        1: {links: [{ifindex: 2, name: 'eth0'}], addresses: ['eth0 10.0.0.1/24']},
        10: {
          links: [
            {ifindex: 1, name: 'lo'},
            {ifindex: 2, name: 'eth0'},
          ],
          addresses: ['lo 127.0.0.1/8', 'eth0 10.2.0.7/24', 'eth0 fe80::1/64'],
        },
      },
      paths: {'/run/netns/cni-1': '10'},
      processes: {1: ['1', 'init'], 20: ['10', 'pause', 1, id('a')], 21: ['10', 'httpd', 1, id('b')]},
      sandboxes: [
        {id: id('a'), pod: 'web', netnsPath: '/var/run/netns/cni-1'},
        {id: id('b'), pod: 'web', sandbox: id('a'), type: 'container', container: 'httpd'},
      ],
    },
  });
  const [pod] = graph.pods;
  expect(pod).toMatchObject({key: 'shop/web', grade: 'proven', addresses: ['10.2.0.7'], hostNetwork: false});
  expect(pod!.netns!.inode).toBe('10');
  expect(pod!.netns!.kind).toBe('pod');
  expect(pod!.processes.map(proc => [proc.process.pid, proc.container?.name])).toEqual([
    [20, undefined],
    [21, 'httpd'],
  ]);
});

test('a pid that the runtime wrote down long ago does not make another process the pod’s', () => {
  const graph = graphOf({
    a: {
      host: '1',
      processes: {7: ['1', 'sshd', 1]},
      sandboxes: [{id: id('a'), pod: 'gone', netnsPath: '/run/netns/cni-1', pid: 7}],
    },
  });
  expect(graph.pods[0]).toMatchObject({grade: 'unknown', processes: []});
  expect(graph.pods[0]!.why).toContain('no process of it was seen and /run/netns/cni-1 is not mounted');
});

test('of a pod that was made anew, the running sandbox stands for it', () => {
  const graph = graphOf({
    a: {
      host: '1',
      processes: {9: ['10', 'pause', 1, id('b')]},
      sandboxes: [
        {id: id('a'), pod: 'web', netnsPath: '/run/netns/old'},
        {id: id('b'), pod: 'web', netnsPath: '/run/netns/new'},
      ],
    },
  });
  expect(graph.pods.map(pod => pod.sandbox!.id)).toEqual([id('b')]);
});

test('a pod whose sandbox could not be read is known by the uid of its cgroup', () => {
  const snapshot = snapshotOf('a', {host: '1', processes: {9: ['10', 'httpd', 1]}});
  const uid = '3e5a1b4f-6cf1-454e-80e2-62827426823f';
  const memberships = {...snapshot.memberships!, value: [{pid: 9, container: id('c'), uid, from: 0, to: 1}]};
  const graph = buildGraph(new Map([['a', {snapshot: {...snapshot, memberships}, state: 'ready'}]]));
  expect(graph.pods[0]).toMatchObject({key: `?/${uid}`, grade: 'inferred'});
  expect(graph.pods[0]!.netns!.inode).toBe('10');
});

test('the same pod name on two nodes is told apart by the node', () => {
  const node = {
    host: '1',
    processes: {9: ['10', 'pause', 1, id('a')]},
    sandboxes: [{id: id('a'), pod: 'web'}],
  } as const;
  expect(graphOf({a: node, b: node}).pods.map(pod => pod.key)).toEqual(['shop/web@a', 'shop/web@b']);
});

test('nodes are called by their hostname, unless two have the same', () => {
  expect(
    graphOf({'10.0.0.1': {hostname: 'n1'}, '10.0.0.2': {hostname: 'n2'}}).nodes.map(node => node.name),
  ).toEqual(['n1', 'n2']);
  expect(graphOf({x: {hostname: 'same'}, y: {hostname: 'same'}}).nodes.map(node => node.name)).toEqual([
    'x',
    'y',
  ]);
  // A hostname must not shadow another node's id.
  expect(graphOf({x: {hostname: 'y'}, y: {hostname: 'z'}}).nodes.map(node => node.name)).toEqual(['x', 'z']);
});

test('a node that was lost before anything was read is a gap with its cause', () => {
  const graph = graphOf({a: {state: 'lost', cause: 'Connection refused by a:22. Is sshd running there?'}});
  expect(graph.gaps).toEqual([
    {node: 'a', fact: 'node', reason: 'Connection refused by a:22. Is sshd running there?'},
  ]);
});

test('rates use the node’s own clock; a counter that went back is left out', () => {
  const counters = {
    rxBytes: 100,
    rxPackets: 10,
    rxErrors: 0,
    rxDropped: 0,
    txBytes: 50,
    txPackets: 5,
    txErrors: 0,
    txDropped: 0,
  };
  const later = {...counters, rxBytes: 300, rxPackets: 4, txBytes: 50};
  const rates = ratesOf({uptime: 10, counters}, {uptime: 12, counters: later});
  expect(rates).toEqual({
    rxBytes: 100,
    rxErrors: 0,
    rxDropped: 0,
    txBytes: 0,
    txPackets: 0,
    txErrors: 0,
    txDropped: 0,
  });
  expect(ratesOf({uptime: 10, counters}, {uptime: 10, counters: later})).toEqual({});
  expect(ratesOf({uptime: 10, counters}, {uptime: 3, counters: later})).toEqual({});
  expect(ratesOf(undefined, {uptime: 3, counters: later})).toEqual({});
});

test('the newer of both sources of counters counts', () => {
  const counters = {
    rxBytes: 1,
    rxPackets: 0,
    rxErrors: 0,
    rxDropped: 0,
    txBytes: 0,
    txPackets: 0,
    txErrors: 0,
    txDropped: 0,
  };
  const link = {from: 0, to: 1, ifindex: 2, name: 'eth0', mtu: 1500, state: 'UP', flags: [], counters};
  const dated = <T>(uptime: number, value: T) => ({sweep: 1, at: '', uptime, value});
  const facts = {
    netns: '1',
    links: dated(5, [link]),
    counters: dated(7, new Map([['eth0', {...counters, rxBytes: 9}]])),
  };
  expect(countersOf(facts, link)).toMatchObject({uptime: 7, counters: {rxBytes: 9}});
  expect(countersOf({...facts, links: dated(8, [link])}, link)).toMatchObject({
    uptime: 8,
    counters: {rxBytes: 1},
  });
});

test('an interface says which of its values changed since the sweep before', () => {
  expect(changedKeys({a: 1, b: [1], from: 1}, {a: 1, b: [2], from: 2})).toEqual(['b']);
  const links = (mtu: number) => ({1: {links: [{ifindex: 2, name: 'eth0', mtu}]}});
  const [previous, snapshot] = [1500, 1450].map(mtu => snapshotOf('a', {host: '1', netns: links(mtu)}));
  const graph = buildGraph(new Map([['a', {snapshot, previous, state: 'ready'}]]));
  expect(graph.nodes[0]!.host!.interfaces[0]!.changed).toEqual(['mtu']);
});

test('the processes that hold a socket are found by its inode, each once', () => {
  const owners = {
    count: 4,
    inode: Uint32Array.of(5, 7, 7, 7),
    pid: Uint32Array.of(1, 2, 2, 3),
    fd: Uint32Array.of(3, 3, 4, 3),
  };
  expect(pidsHolding(owners, 7)).toEqual([2, 3]);
  expect(pidsHolding(owners, 5)).toEqual([1]);
  expect(pidsHolding(owners, 6)).toEqual([]);
  expect(pidsHolding(owners, 0)).toEqual([]);
  expect(pidsHolding(undefined, 7)).toEqual([]);
});
