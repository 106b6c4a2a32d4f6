/**
 * Other container runtimes than the lab's own, on nodes of a lab over real SSH: real containerds with K3s's paths and
 * with paths nobody would guess; CRI-O's and Docker's state as they write it (see `test/runtimes/`), with real processes
 * of runc in the control groups and network namespaces that they would have; leftovers; and a node in a container.
 */
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import {topologies} from '../../demo/lab/topologies.ts';
import type {PodPlan} from '../../demo/lab/topology.ts';
import {containerdAt, crioPod, dockerContainers, logLink, type Node} from '../runtimes/laid-out.ts';
import {onNode, statusOf} from './harness.ts';
import {ask, labsFor, nameOf, runs} from './walk.ts';

const FILE = 'run';
const topology = topologies.find(each => each.name === 'host-gw')!;
labsFor(FILE, [topology.name]);
const name = nameOf(FILE, topology.name);

type Pod = {
  pod: string;
  node: string;
  uid: string;
  netns?: string;
  hostNetwork: boolean;
  state: string;
  addresses: string[];
  containers: string[];
  processes: number;
};
type Pods = {gaps: {node: string; fact: string; reason: string}[]; pods: Pod[]};
type Overview = {nodes: {name: string; runtime?: string}[]};

const idOf = (digit: string) => digit.repeat(64);
const STATIC = 'd41d8cd98f00b204e9800998ecf8427e';
const WEB = '11111111-2222-4333-8444-555555555555';
const PROXY = '21111111-2222-4333-8444-555555555555';

const plan = (namespace: string, pod: string, node: string, more: Partial<PodPlan> = {}): PodPlan => ({
  ...{namespace, name: pod, app: pod, node},
  containers: [{name: 'main', run: {command: ['/bin/sleep', '90000']}}],
  ...more,
});

/** Docker's captured containers by what they are called. */
const dockerIds = () => {
  const folder = join(import.meta.dirname, '../fixtures/runtimes/docker');
  const named = readdirSync(folder).map(id => {
    const config = readFileSync(join(folder, id, 'config.v2.json'), 'utf8');
    return [(JSON.parse(config) as {Name: string}).Name.split('_').slice(1, 3).join(' '), id] as const;
  });
  return new Map(named);
};

const slice = (uid: string) =>
  `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`;
const crio = {
  id: idOf('a'),
  name: 'crio-web-0',
  namespace: 'shop',
  uid: '3f0c8d1e-6a5b-4c7d-8e9f-0a1b2c3d4e5f',
  netns: '/var/run/netns/8f7f2e5c-8a63-4f0e-9d2b-111111111111',
  cgroup: (id: string) => `${slice('3f0c8d1e-6a5b-4c7d-8e9f-0a1b2c3d4e5f')}/crio-${id}.scope`,
  containers: [
    {id: idOf('b'), name: 'nginx'},
    {id: idOf('c'), name: 'sidecar'},
  ],
};
const {netns: _, ...rest} = crio;
const crioOnHost = {
  ...{...rest, id: idOf('d'), name: 'crio-agent-x', namespace: 'kube-system', uid: STATIC.replace('d', 'e')},
  cgroup: (id: string) => `/kubepods/besteffort/pod${STATIC.replace('d', 'e')}/crio-${id}`,
  containers: [{id: idOf('e'), name: 'agent'}],
};

describe.runIf(runs)('other container runtimes', {timeout: 60_000}, () => {
  const nodes = new Map<string, Node>();
  const addresses = new Map<string, string>();

  beforeAll(async () => {
    if (!runs) return;
    for (const {name: node, pid} of statusOf(name).nodes)
      nodes.set(node, {lab: name, name: node, root: `/proc/${pid}/root`});
    const [cp, one, two] = ['cp-1', 'worker-1', 'worker-2'].map(node => nodes.get(node)!) as [
      Node,
      Node,
      Node,
    ];
    const k3s = await containerdAt(
      one,
      {root: '/var/lib/rancher/k3s/agent/containerd', state: '/run/k3s/containerd'},
      [
        {plan: plan('edge', 'k3s-web-0', 'worker-1'), uid: '41111111-2222-4333-8444-555555555555'},
        {plan: plan('kube-system', 'k3s-static-worker-1', 'worker-1', {hostNetwork: true}), uid: STATIC},
      ],
    );
    const odd = await containerdAt(one, {root: '/srv/odd/data', state: '/srv/odd/run'}, [
      {plan: plan('edge', 'odd-web-0', 'worker-1'), uid: '51111111-2222-4333-8444-555555555555'},
    ]);
    for (const pod of [...k3s, ...odd]) addresses.set(pod.name, pod.ip);
    crioPod(two, crio, {pause: false, runRoot: '/run/containers/storage'});
    crioPod(two, crioOnHost, {pause: true, runRoot: '/data/crio-run'});
    const docker = dockerIds();
    const group = (uid: string) => `/kubepods/besteffort/pod${uid}`;
    const netns = '/run/docker/netns/648af92a6c16';
    dockerContainers(two, '/var/lib/docker', [
      {id: docker.get('POD docker-web-0')!, group: group(WEB), netns},
      {id: docker.get('app docker-web-0')!, group: group(WEB), netns},
      {id: docker.get('POD docker-proxy-x')!, group: group(PROXY)},
      {id: docker.get('proxy docker-proxy-x')!, group: group(PROXY)},
    ]);
    dockerContainers(cp, '/var/lib/docker', []);
  }, 120_000);

  /** The network namespace of a process, by its command, as its node numbers it. */
  const netnsOf = (node: string, group: string) =>
    onNode(
      name,
      node,
      `for f in /proc/[0-9]*/cgroup; do if grep -q ${group} $f; then stat -L -c %i \${f%cgroup}ns/net; fi; done | sort -u`,
    ).trim();

  test('a second containerd at K3s’s paths, and a third where only its mounts tell', async () => {
    const {pods, gaps} = await ask<Pods>(name, ['pods', 'worker-1']);
    expect(gaps).toEqual([]);
    const byKey = new Map(pods.map(pod => [pod.pod, pod]));
    expect(byKey.get('edge/k3s-web-0')).toMatchObject({
      ...{uid: '41111111-2222-4333-8444-555555555555', state: 'running', hostNetwork: false, processes: 2},
      ...{
        containers: ['main'],
        addresses: [addresses.get('k3s-web-0')],
        netns: netnsOf('worker-1', 'pod41111111'),
      },
    });
    expect(byKey.get('edge/odd-web-0')).toMatchObject({
      ...{uid: '51111111-2222-4333-8444-555555555555', state: 'running', processes: 2, containers: ['main']},
      ...{addresses: [addresses.get('odd-web-0')], netns: netnsOf('worker-1', 'pod51111111')},
    });
    // A static pod: a hash for a uid.
    expect(byKey.get('kube-system/k3s-static-worker-1')).toMatchObject({uid: STATIC, hostNetwork: true});
    const own = topology.pods
      .filter(pod => pod.node === 'worker-1')
      .map(pod => `${pod.namespace}/${pod.name}`);
    const others = ['edge/k3s-web-0', 'edge/odd-web-0', 'kube-system/k3s-static-worker-1'];
    expect([...byKey.keys()].sort()).toEqual([...own, ...others].sort());
  });

  test('CRI-O, also without a pause process and at another run root; Docker beside it', async () => {
    const {pods, gaps} = await ask<Pods>(name, ['pods', 'worker-2']);
    const byKey = new Map(pods.map(pod => [pod.pod, pod]));
    expect(byKey.get('shop/crio-web-0')).toMatchObject({
      ...{uid: crio.uid, state: 'running', processes: 2, containers: ['nginx', 'sidecar']},
      ...{hostNetwork: false, netns: netnsOf('worker-2', idOf('b'))},
    });
    expect(byKey.get('kube-system/crio-agent-x')).toMatchObject({
      ...{uid: crioOnHost.uid, hostNetwork: true, processes: 2, containers: ['agent']},
    });
    expect(byKey.get('shop/docker-web-0')).toMatchObject({
      ...{uid: WEB, processes: 2, containers: ['app'], netns: netnsOf('worker-2', 'pod11111111')},
    });
    expect(byKey.get('kube-system/docker-proxy-x')).toMatchObject({hostNetwork: true, containers: ['proxy']});
    const own = topology.pods.filter(pod => pod.node === 'worker-2').length;
    expect(gaps.map(gap => gap.reason)).toEqual([
      expect.stringContaining(`containerd (${own}), CRI-O (2), Docker (2)`),
    ]);
  });

  test('what Docker left on a node is said, and shown as nothing that runs', async () => {
    const {pods, gaps} = await ask<Pods>(name, ['pods', 'cp-1']);
    expect(pods.map(pod => pod.pod).filter(pod => pod.includes('docker'))).toEqual([]);
    expect(gaps.map(gap => gap.reason)).toEqual([expect.stringContaining('Docker left the state of 2 pods')]);
  });

  test('a runtime that is not known is named by the kubelet’s log files', async () => {
    const two = nodes.get('worker-2')!;
    const agent = crioOnHost.containers[0]!;
    onNode(
      name,
      'worker-2',
      `rm -r /data/crio-run/overlay-containers/*/userdata/config.json /var/log/pods/* &&
       mkdir -p /var/log/pods/kube-system_crio-agent-x_${crioOnHost.uid}`,
    );
    logLink(two, 'crio-agent-x', 'kube-system', agent.name, agent.id);
    const {pods} = await ask<Pods>(name, ['pods', 'worker-2']);
    expect(pods.find(pod => pod.uid === crioOnHost.uid)).toMatchObject({
      ...{pod: 'kube-system/crio-agent-x', hostNetwork: true, processes: 2},
    });
  });

  test('nodes that are containers themselves: their pods are named from outside, each in its namespace', async () => {
    const {pods} = await ask<Pods>(name, ['pods'], {source: ['--local']});
    const byUid = new Map(pods.map(pod => [pod.uid, pod]));
    for (const pod of statusOf(name).pods) {
      const found = byUid.get(pod.uid);
      expect(found?.pod.startsWith(`${pod.namespace}/${pod.name}`), `${pod.name}: ${found?.pod}`).toBe(true);
      expect(found!.containers).toEqual(pod.containers.map(one => one.name).sort());
      if (!pod.hostNetwork) expect(found!.addresses).toContain(pod.ip);
    }
    expect(byUid.get('41111111-2222-4333-8444-555555555555')?.pod).toMatch(/^edge\/k3s-web-0/);
  });

  test('the runtime of a node is the one that its pods run in', async () => {
    const {nodes: rows} = await ask<Overview>(name, ['overview']);
    for (const row of rows) expect(row.runtime).toMatch(/^containerd:\/\//);
  });
});
