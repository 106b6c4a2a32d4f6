/**
 * Computed paths against the kernel: from every pod and node of every topology to every other one, and to every
 * service, the interfaces that hoptop says are those that tcpdump saw the packet cross.
 */
import {rmSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {topologies} from '../../demo/lab/topologies.ts';
import type {Topology} from '../../demo/lab/topology.ts';
import type {Graph} from '../../source/model/graph.ts';
import {graphFrom} from '../questions/lab.ts';
import {crossed} from './crossed.ts';
import {lab, labStarts, onNode, statusOf} from './harness.ts';
import type {Wanted} from './marks.ts';
import {type Compared, compare, isDelivered, isExact, plain} from './predicted.ts';
import {hoptop, labsFor, nameOf, runs, scratch} from './walk.ts';

const FILE = 'paths';
// Only hoptop is built here: each lab is up as long as it is needed, since many at once keep a machine busy.
labsFor(FILE, []);

/** A lab of its own for the tests of one `describe`. */
function labUpFor(topology: Topology): string {
  const name = nameOf(FILE, topology.name);
  beforeAll(async () => {
    const {heard, ended} = labStarts('up', topology.name, '--name', name);
    expect(await ended, heard.err).toBe(0);
  }, 120_000);
  afterAll(() => {
    lab('down', '--name', name);
  }, 60_000);
  return name;
}

/** What is sent: to each address of each place, of its own family, and to each port of each service. */
function everything(name: string, topology: Topology): {direct: Wanted[]; services: Wanted[]} {
  const status = statusOf(name);
  const pods = status.pods
    .filter(pod => !pod.hostNetwork)
    .map(pod => ({
      place: {node: pod.node, pod: `${pod.namespace}/${pod.name}`},
      addresses: [pod.ip, pod.ip6],
    }));
  const nodes = topology.nodes.map(node => ({
    place: {node: node.name},
    addresses: [node.address, node.address6],
  }));
  const ends = [...pods, ...nodes];
  const direct = ends.flatMap(from =>
    ends
      .filter(to => to !== from)
      .flatMap(to => to.addresses.filter(address => address !== undefined))
      .map(to => ({from: from.place, to, port: 9999, protocol: 'tcp' as const})),
  );
  const services = ends.flatMap(from =>
    topology.services.flatMap(service =>
      [service.clusterIp, service.clusterIp6].flatMap(to =>
        to === undefined
          ? []
          : service.ports.map(({port, protocol}) => ({from: from.place, to, port, protocol})),
      ),
    ),
  );
  return {direct, services};
}

/** What hoptop read, of the nodes and, where it may log in to them, of the routers between them. */
async function recorded(name: string, {nodes, routers = []}: Topology, withRouters: boolean): Promise<Graph> {
  const file = scratch(`${name}.hop`);
  rmSync(file, {force: true});
  const read = [...nodes, ...(withRouters ? routers : [])].map(({address}) => `root@${address}`);
  const run = `/run/hoptop-lab/${name}`;
  const source = [
    '--nodes',
    read.join(),
    '-F',
    'none',
    '-i',
    `${run}/id_ed25519`,
    '--known-hosts',
    `${run}/known_hosts`,
  ];
  const {status, err} = await hoptop(name, ['record', file, '--for', '4'], {source});
  expect(status, err).toBe(0);
  return graphFrom(file);
}

function told(all: readonly Compared[], isSo: (one: Compared) => boolean): string {
  const wrong = all.filter(one => !isSo(one)).slice(0, 3);
  return wrong.map(one => JSON.stringify(one, null, 1)).join('\n');
}

describe.runIf(runs).each(topologies)('paths in $name', {timeout: 120_000}, topology => {
  const name = labUpFor(topology);
  let direct: Compared[];
  let blind: Compared[] = [];
  let services: Compared[];

  beforeAll(async () => {
    const wanted = everything(name, topology);
    const status = statusOf(name);
    const seen = await crossed(status, [...wanted.direct, ...wanted.services]);
    const all = compare(await recorded(name, topology, true), status, seen);
    direct = all.slice(0, wanted.direct.length);
    if (topology.routers) {
      blind = compare(await recorded(name, topology, false), status, seen.slice(0, wanted.direct.length));
    }
    services = all.slice(wanted.direct.length);
  }, 120_000);

  test('every pair, there and back', () => {
    const there = direct.filter(one => isExact(one.seen, one.ways));
    const back = direct.filter(one => isExact(one.answerSeen, one.answerWays));
    const ways = direct.reduce((sum, one) => sum + one.ways.length, 0) / direct.length;
    console.log(
      `paths ${topology.name}: ${ways.toFixed(1)} ways each, ${direct.length} pairs, ${there.length} exact there, ${back.length} back`,
    );
    expect(direct.length).toBeGreaterThan(200);
    expect(
      there.length,
      told(direct, one => there.includes(one)),
    ).toBe(direct.length);
    expect(
      back.length,
      told(direct, one => back.includes(one)),
    ).toBe(direct.length);
  });

  test('every pair that the kernel answers, with a RST of a closed port too, is said to be delivered', () => {
    const answered = direct.filter(({answer}) => answer !== undefined);
    console.log(`paths ${topology.name}: ${answered.length} of ${direct.length} pairs were answered`);
    expect(answered.length).toBe(direct.length);
    expect(told(direct, one => isDelivered(one))).toBe('');
  });

  if (topology.routers)
    test('routers that were not read: what was crossed is among the ways held possible', () => {
      const among = blind.filter(one => isExact(one.seen, one.ways));
      const ways = blind.reduce((sum, one) => sum + one.ways.length, 0);
      console.log(
        `paths ${topology.name}, routers not read: ${among.length} of ${blind.length} among ${(ways / blind.length).toFixed(1)} ways each`,
      );
      expect(
        among.length,
        told(blind, one => among.includes(one)),
      ).toBe(blind.length);
    });

  test('every service, through its translation, there and back', () => {
    const there = services.filter(one => isExact(plain(one.seen), one.ways.map(plain)));
    const answered = services.filter(one => one.answerWays.length > 0 && one.answerSeen.length > 0);
    const back = answered.filter(one => isExact(plain(one.answerSeen), one.answerWays.map(plain)));
    console.log(
      `paths ${topology.name}: ${services.length} calls of services, ${there.length} exact there, ${back.length} of ${answered.length} back`,
    );
    expect(
      there.length,
      told(services, one => there.includes(one)),
    ).toBe(services.length);
    expect(
      back.length,
      told(answered, one => back.includes(one)),
    ).toBe(answered.length);
    // Where nobody answered the way back is not compared: that is so only where nothing arrives.
    const silent = services.filter(one => !answered.includes(one));
    console.log(`paths ${topology.name}: ${silent.length} calls that nothing answers`);
    expect(told(silent, one => !one.delivered.includes(true))).toBe('');
    expect(told(services, one => isDelivered(one, plain))).toBe('');
  });
});

/** What can be broken on the way from one pod to another on the next node: each is mended before the next one. */
describe.runIf(runs)('a broken way names the hop', {timeout: 120_000}, () => {
  const topology = topologies.find(each => each.datapath === 'flannel-vxlan')!;
  const name = labUpFor(topology);
  const [from, to] = ['data/backup-0', 'shop/db-0'] as const;
  const on = (node: string, script: string) => onNode(name, node, script);

  const said = async (...words: string[]) => {
    const {out, err} = await hoptop(name, ['path', from, to, '-o', 'json', ...words]);
    return JSON.parse(out === '' ? `{"err": ${JSON.stringify(err)}}` : out) as {
      forward: {
        sentence: string;
        ways: {
          outcome: string;
          mtu?: {full: number; room: number; fits: boolean; hop: number};
          hops: {link?: string; say: string}[];
        }[];
      };
      verified?: {agree: number; disagree: number; notAsked: number};
      probed?: {sent: number; received: number; links: {link: string; moved: string}[]};
    };
  };
  const end = async (...words: string[]) => {
    const {forward, verified} = await said(...words);
    const [way] = forward.ways;
    return {outcome: way!.outcome, at: way!.hops.at(-1)!.link, say: way!.hops.at(-1)!.say, verified};
  };
  const [, near, far] = topology.nodes.map(node => node.name) as [string, string, string];
  const peer = topology.nodes[2]!;

  test('whole, the kernels agree with every decision, and a probe moves every counter on the way', async () => {
    const {forward, verified, probed} = await said('--verify', '--probe');
    expect(forward.ways[0]!.outcome).toBe('delivered');
    expect(verified).toMatchObject({disagree: 0, notAsked: 0});
    expect(verified!.agree).toBeGreaterThan(10);
    expect(probed).toMatchObject({sent: 10, received: 10});
    expect(probed!.links.filter(({moved}) => moved !== 'yes')).toEqual([]);
  });

  test('no route', async () => {
    const route = `${peer.podCidr} via ${peer.podCidr.split('/')[0]} dev flannel.1 onlink`;
    on(near, `ip route del ${route}; ip route del default`);
    const found = await end('--verify').finally(() =>
      on(near, `ip route add ${route}; ip route add default via ${topology.fabric.split('/')[0]}`),
    );
    expect(found).toMatchObject({outcome: 'broken', at: `${near}/cni0`, verified: {disagree: 0}});
    expect(found.say).toMatch(/^no route to /);
  });

  test('its route alone is gone: the default route takes it, and it is lost', async () => {
    const route = `${peer.podCidr} via ${peer.podCidr.split('/')[0]} dev flannel.1 onlink`;
    on(near, `ip route del ${route}`);
    const found = await end('--verify').finally(() => on(near, `ip route add ${route}`));
    expect(found).toMatchObject({outcome: 'broken', verified: {disagree: 0}});
    expect(found.say).toContain('so its default route takes it');
  });

  test('a blackhole, and what the kernel says of it', async () => {
    on(
      near,
      `ip route add blackhole ${peer.podCidr} metric 1; ip route add blackhole ${peer.podCidr.replace('/24', '/25')}`,
    );
    const found = await end('--verify').finally(() =>
      on(
        near,
        `ip route del blackhole ${peer.podCidr} metric 1; ip route del blackhole ${peer.podCidr.replace('/24', '/25')}`,
      ),
    );
    expect(found).toMatchObject({outcome: 'broken', at: `${near}/cni0`, verified: {disagree: 0}});
    expect(found.say).toContain('dropped in silence by a route');
  });

  test('no forwarding entry', async () => {
    const entry = on(near, `bridge fdb show dev flannel.1`)
      .split('\n')
      .find(line => line.includes(peer.address))!;
    const mac = entry.split(' ')[0]!;
    on(near, `bridge fdb del ${mac} dev flannel.1 dst ${peer.address}`);
    const found = await end().finally(() =>
      on(near, `bridge fdb append ${mac} dev flannel.1 dst ${peer.address} self permanent`),
    );
    expect(found).toMatchObject({outcome: 'broken', at: `${near}/flannel.1`});
    expect(found.say).toContain(`no forwarding entry for ${mac}`);
  });

  test('a forwarding entry that leads to the wrong node', async () => {
    const entry = on(near, `bridge fdb show dev flannel.1`)
      .split('\n')
      .find(line => line.includes(peer.address))!;
    const mac = entry.split(' ')[0]!;
    const wrong = topology.nodes[0]!;
    on(near, `bridge fdb replace ${mac} dev flannel.1 dst ${wrong.address} self permanent`);
    const found = await end().finally(() =>
      on(near, `bridge fdb replace ${mac} dev flannel.1 dst ${peer.address} self permanent`),
    );
    expect(found).toMatchObject({outcome: 'broken', at: `${wrong.name}/flannel.1`});
    expect(found.say).toContain(`the frame inside is for ${mac}`);
  });

  test('a bridge that is down: its subnet goes out by the default route', async () => {
    on(far, 'ip link set cni0 down');
    const found = await end().finally(() => on(far, 'ip link set cni0 up'));
    expect(found.outcome).toBe('broken');
    expect(found.say).toContain(`it leaves ${far} for `);
    expect(found.say).toContain(`is ${to} on ${far} itself`);
  });

  test('a pod whose end is down', async () => {
    const veth = on(near, `ip -o link show master cni0`).match(/veth\w+/g)!;
    for (const link of veth) on(near, `ip link set ${link} down`);
    const found = await end().finally(() => {
      for (const link of veth) on(near, `ip link set ${link} up`);
    });
    expect(found).toMatchObject({outcome: 'broken', at: `${from}:eth0`});
    expect(found.say).toContain('no carrier');
  });

  test('a node that does not forward, and the kernel refuses too', async () => {
    on(far, 'sysctl -qw net.ipv4.ip_forward=0');
    const found = await end('--verify').finally(() => on(far, 'sysctl -qw net.ipv4.ip_forward=1'));
    expect(found).toMatchObject({outcome: 'broken', at: `${far}/flannel.1`, verified: {disagree: 0}});
    expect(found.say).toContain('does not forward');
  });

  test('a wire that is too narrow for the tunnel', async () => {
    on(far, 'ip link set eth0 mtu 1400');
    const {forward} = await said().finally(() => on(far, 'ip link set eth0 mtu 1500'));
    const [way] = forward.ways;
    expect(way).toMatchObject({outcome: 'delivered', mtu: {full: 1450, room: 1350, fits: false}});
    expect(way!.hops[way!.mtu!.hop]!.link).toBe(`${far}/eth0`);
  });
});
