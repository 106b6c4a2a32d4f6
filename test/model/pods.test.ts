import {expect, test} from 'vitest';
import type {Snapshot} from '../../source/facts/snapshot.ts';
import {findPods} from '../../source/model/pods.ts';
import {graphOf, snapshotOf} from './world.ts';

const id = (digit: string) => digit.repeat(64);
const SPAN = {from: 0, to: 1};

/** A node with one process of container `b` in namespace 77, which the node itself is not in. */
const base = snapshotOf('w1', {
  host: '1',
  processes: {100: ['77', 'nginx', 1, id('b')]},
});
const dated = <T>(value: T) => ({sweep: 1, at: '', uptime: 1, value});

/** What is known of pods, and nothing else. */
const told = (part: Partial<Snapshot>) => findPods({...base, ...part});

test('a container stands for a pod whose sandbox nobody keeps', () => {
  const container = {
    ...{...SPAN, id: id('b'), type: 'container' as const, sandbox: id('a'), container: 'nginx'},
    ...{pod: 'web-0', namespace: 'shop', uid: 'u', netnsPath: '/var/run/netns/x'},
  };
  const [pod, ...more] = told({sandboxes: dated([container])});
  expect(more).toEqual([]);
  expect(pod).toMatchObject({namespace: 'shop', name: 'web-0', netns: '77', pids: [100], grade: 'proven'});
  expect(pod!.containers).toEqual([container]);
});

const byUid = {memberships: dated([{...SPAN, pid: 100, container: id('b'), uid: 'u'}])};

test('without any runtime, the kubelet’s log files name pods and containers', () => {
  const podLogs = dated([
    {...SPAN, namespace: 'shop', pod: 'web-0', uid: 'u'},
    {...SPAN, namespace: 'shop', pod: 'web-0', container: 'nginx', id: id('b')},
    {...SPAN, namespace: 'shop', pod: 'web-0', container: 'before', id: id('c')},
    // Of a pod that was here once: a directory alone makes no pod.
    {...SPAN, namespace: 'shop', pod: 'gone', uid: 'v'},
  ]);
  const pods = told({...byUid, podLogs});
  expect(pods.map(({namespace, name, netns, grade}) => [namespace, name, netns, grade])).toEqual([
    ['shop', 'web-0', '77', 'inferred'],
  ]);
  expect(pods[0]!.containers.map(one => one.container)).toEqual(['nginx']);
  expect(pods[0]!.why).toContain('/var/log/pods');
});

test('a uid with two names is told with both, and called by neither', () => {
  const podLogs = dated([
    {...SPAN, namespace: 'shop', pod: 'web-0', uid: 'u'},
    {...SPAN, namespace: 'shop', pod: 'web-1', uid: 'u'},
  ]);
  const [pod] = told({...byUid, podLogs});
  expect(pod).toMatchObject({namespace: '?', name: 'u'});
  expect(pod!.why).toContain('shop/web-0 and shop/web-1');
});

const sandbox = (runtime: 'docker' | 'containerd', digit: string, pod: string) => ({
  ...{...SPAN, id: id(digit), type: 'sandbox' as const, sandbox: id(digit), runtime},
  ...{pod, namespace: 'shop', uid: `u-${pod}`},
});

test('pods of a runtime that only left something behind are no pods of the node', () => {
  const both = [sandbox('containerd', 'b', 'web-0'), sandbox('docker', 'c', 'old-0')];
  expect(told({sandboxes: dated(both)}).map(pod => pod.name)).toEqual(['web-0']);
  // Where nothing runs at all, nobody can tell which of them is used.
  const names = told({sandboxes: dated(both), memberships: dated([])}).map(pod => pod.name);
  expect(names).toEqual(['old-0', 'web-0']);
});

test('one node that runs nodes of two clusters: pods of one name are told apart by their uid', () => {
  const graph = graphOf({
    w1: {
      host: '1',
      processes: {100: ['77', 'db', 1, id('b')], 200: ['88', 'db', 1, id('c')]},
      sandboxes: [
        {id: id('b'), pod: 'db-0', uid: 'u-1'},
        {id: id('c'), pod: 'db-0', uid: 'u-2'},
      ],
    },
  });
  expect(graph.pods.map(pod => pod.key)).toEqual(['shop/db-0@w1:u-1', 'shop/db-0@w1:u-2']);
});
