/** What hoptop answers about a real lab over real SSH, held against what the machine itself sees in every namespace. */
import {readlinkSync} from 'node:fs';
import {beforeAll, describe, expect, test} from 'vitest';
import type {LabStatus} from '../../demo/lab/status.ts';
import {topologies as all} from '../../demo/lab/topologies.ts';
import {podOf, statusOf} from './harness.ts';
import {truthOf} from './truth.ts';
import {
  ask,
  establishedIn,
  type Held,
  hoptop,
  inNetns,
  labsFor,
  nameOf,
  type Place,
  placesOf,
  placesOn,
  runs,
  translatedIn,
  until,
} from './walk.ts';

const FILE = 'ask';
/** The two shapes that differ most for a person; what the others add is tested where it matters. */
const topologies = all.filter(each => ['flannel-vxlan', 'routed'].includes(each.name)) as [
  (typeof all)[0],
  ...typeof all,
];

labsFor(
  FILE,
  topologies.map(({name}) => name),
);

type End = {
  node?: string;
  pod?: string;
  local?: string;
  localPort?: number;
  remote?: string;
  remotePort?: number;
};
type Row = End & {
  node: string;
  protocol: string;
  state: string;
  program?: string;
  other?: End & {grade: string; join: string};
};
type Counters = {rxBytes: number; rxPackets: number; txBytes: number; txPackets: number};
type Interface = {
  words: string;
  node: string;
  netns: string;
  name: string;
  ifindex: number;
  mtu: number;
  mac: string;
  counters: Counters;
  pair: {grade: string; candidates: {words: string; ifindex: number}[]};
};

/** `ip -j` of a link in a namespace, with its counters. */
type Link = {
  ifindex: number;
  ifname: string;
  link_index?: number;
  master?: string;
  address: string;
  stats64: {rx: {bytes: number; packets: number}; tx: {bytes: number; packets: number}};
};
const linksIn = (pid: number) => JSON.parse(inNetns(pid, 'ip', '-j', '-s', 'link')) as Link[];
const netnsOf = (pid: number) => /\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))![0];

/** A socket as one of `ss` and of hoptop are compared: where it is held, and its two addresses. */
const key = (node: string, pod: string | undefined, local: string, remote: string) =>
  `${node} ${pod ?? 'host'} ${local} ${remote}`;
const keyOf = (held: Held) => key(held.node, held.pod, held.local, held.peer);
const mine = (row: End & {node: string}) =>
  key(row.node, inPodOf(row), `${row.local}:${row.localPort}`, `${row.remote}:${row.remotePort}`);
/** Pods with the host's network hold their sockets in the node's own namespace. */
const inPodOf = (end: End) => (end.pod?.startsWith('kube-system/meshd') ? undefined : end.pod);

describe.runIf(runs).each(topologies)('hoptop over SSH, $name', {timeout: 60_000}, topology => {
  const name = nameOf(FILE, topology.name);
  let status: LabStatus;
  let places: Place[];

  beforeAll(() => {
    status = statusOf(name);
    places = placesOf(status);
  });

  const placeOf = (pod: string) => places.find(place => place.pod === pod)!;
  const hostOf = (node: string) => placesOn(status, node)[0]!;

  test('overview counts every node, pod and namespace, as the lab and the kernel do', async () => {
    const answer = await ask<{
      gaps: unknown[];
      nodes: {
        name: string;
        state: string;
        address: string;
        machineId: string;
        pods: number;
        namespaces: number;
        readAs: number;
      }[];
      totals: {pods: number; namespaces: number};
    }>(name, ['overview']);
    expect(answer.gaps).toEqual([]);
    expect(
      answer.nodes.map(node => [
        node.name,
        node.state,
        node.address,
        node.pods,
        node.namespaces,
        node.readAs,
      ]),
    ).toEqual(
      topology.nodes.map(node => {
        const planned = topology.pods.filter(pod => pod.node === node.name);
        const netns = new Set(placesOn(status, node.name).map(place => netnsOf(place.pid)));
        expect(netns.size).toBe(1 + planned.filter(pod => !pod.hostNetwork).length);
        return [node.name, 'ready', node.address, planned.length, netns.size, 0];
      }),
    );
    expect(answer.totals).toMatchObject({pods: status.pods.length, namespaces: places.length});
    const text = await hoptop(name, ['overview']);
    expect(text.status).toBe(0);
    for (const node of topology.nodes)
      expect(text.out).toMatch(new RegExp(`^${node.name} +ready +${node.address} `, 'm'));
  });

  test('every pod has its own address, its containers and its proven host link', async () => {
    const {pods} = await ask<{
      pods: {
        pod: string;
        node: string;
        uid: string;
        netns: string;
        state: string;
        grade: string;
        hostNetwork: boolean;
        addresses: string[];
        containers: string[];
        attachments: {
          inside: {name: string; ifindex: number};
          grade: string;
          outside: {name: string; ifindex: number; node: string; netns: string}[];
          master?: string;
          routed: boolean;
        }[];
      }[];
    }>(name, ['pods']);
    expect(pods.map(each => each.pod).sort()).toEqual(
      topology.pods.map(each => `${each.namespace}/${each.name}`).sort(),
    );
    for (const pod of pods) {
      const truth = podOf(status, pod.pod);
      expect(pod, pod.pod).toMatchObject({
        node: truth.node,
        uid: truth.uid,
        state: 'running',
        grade: 'proven',
      });
      expect([...pod.containers].sort()).toEqual(truth.containers.map(each => each.name).sort());
      const host = hostOf(pod.node);
      if (truth.hostNetwork) {
        const {address} = topology.nodes.find(node => node.name === pod.node)!;
        expect(pod).toMatchObject({hostNetwork: true, netns: netnsOf(host.pid), attachments: []});
        expect(pod.addresses).toContain(address);
        continue;
      }
      const inside = placeOf(pod.pod);
      const addresses = JSON.parse(inNetns(inside.pid, 'ip', '-j', '-4', 'addr', 'show', 'eth0')) as {
        addr_info: {local: string}[];
      }[];
      expect(pod.addresses).toEqual(addresses[0]!.addr_info.map(each => each.local));
      expect(pod.addresses).toEqual([truth.ip]);
      expect(pod.netns).toBe(netnsOf(inside.pid));
      // Both sides of the veth, as the kernel tells each.
      const eth0 = linksIn(inside.pid).find(link => link.ifname === 'eth0')!;
      const outside = linksIn(host.pid).find(link => link.ifindex === eth0.link_index)!;
      expect(outside.link_index).toBe(eth0.ifindex);
      expect(pod.attachments, pod.pod).toMatchObject([
        {
          inside: {name: 'eth0', ifindex: eth0.ifindex},
          grade: 'proven',
          outside: [
            {name: outside.ifname, ifindex: outside.ifindex, node: pod.node, netns: netnsOf(host.pid)},
          ],
        },
      ]);
      const [attachment] = pod.attachments;
      if (topology.datapath === 'flannel-vxlan')
        expect([attachment!.master, outside.master, attachment!.routed]).toEqual(['cni0', 'cni0', false]);
      else {
        expect([attachment!.master, outside.master, attachment!.routed]).toEqual([
          undefined,
          undefined,
          true,
        ]);
        expect(inNetns(host.pid, 'ip', 'route', 'show', truth.ip)).toContain(`dev ${outside.ifname}`);
      }
    }
    const web = pods.find(each => each.pod === 'shop/web-7c5ddbdf54-8kqzr')!;
    expect(web.containers).toEqual(['log-shipper', 'web']);
  });

  test('both ends of connections are joined, never wrongly, plain ones and those through a ClusterIP', async () => {
    const before = establishedIn(status);
    const translatedBefore = translatedIn(status);
    const {sockets} = await ask<{sockets: Row[]}>(name, ['sockets']);
    const after = establishedIn(status);
    const translated = [...translatedBefore, ...translatedIn(status)];
    // By their own word, also through several translations; short ones to httpd are in no such word.
    const {connections} = await truthOf(status);
    const told = new Map(
      connections.flatMap(({client, server}) => {
        const [here, there] = [`${client.local} ${client.peer}`, `${server.local} ${server.peer}`];
        return [
          [here, there],
          [there, here],
        ] as const;
      }),
    );

    const seen = new Map([...before, ...after].map(held => [keyOf(held), held]));
    const still = new Set(after.map(keyOf));
    const long = before.filter(held => still.has(keyOf(held)));
    const ends = new Map([...seen.values()].map(held => [`${held.local} ${held.peer}`, held]));
    /** The true other end; `undefined` where it is on none of the nodes. */
    const other = (held: Held): {held: Held; way: 'plain' | 'translated' | 'masqueraded'} | undefined => {
      const plain = ends.get(`${held.peer} ${held.local}`);
      if (plain) return {held: plain, way: 'plain'};
      const tuple = `${held.local} ${held.peer}`;
      const byWord = ends.get(told.get(tuple) ?? '');
      if (byWord) {
        const masqueraded = byWord.peer !== held.local && held.peer !== byWord.local;
        return {held: byWord, way: masqueraded ? 'masqueraded' : 'translated'};
      }
      const entry = translated.find(each => each.client === tuple || each.server === tuple);
      const there = entry && ends.get(entry.client === tuple ? entry.server : entry.client);
      const masqueraded = entry && entry.client.split(' ')[0] !== entry.server.split(' ')[1];
      return there && {held: there, way: masqueraded ? 'masqueraded' : 'translated'};
    };

    const rows = new Map(
      sockets.filter(row => row.protocol === 'tcp' && row.state === 'ESTAB').map(row => [mine(row), row]),
    );
    const tally = {
      plain: {true: 0, found: 0},
      translated: {true: 0, found: 0},
      masqueraded: {true: 0, found: 0},
    };
    let listed = 0;
    const missed: string[] = [];
    for (const held of long) {
      const row = rows.get(keyOf(held));
      if (row) listed++;
      const truth = other(held);
      if (!truth) continue;
      tally[truth.way].true++;
      if (row?.other?.local !== undefined) tally[truth.way].found++;
      else missed.push(keyOf(held));
    }
    const joins = {right: 0, wrong: [] as string[], unjudged: 0};
    for (const [at, row] of rows) {
      if (row.other?.local === undefined || row.other.node === undefined) continue;
      const held = seen.get(at);
      const truth = held && other(held);
      const said = mine({...row.other, node: row.other.node});
      if (!held) joins.unjudged++;
      else if (truth && keyOf(truth.held) === said) joins.right++;
      else joins.wrong.push(`${at} was joined with ${said}, is with ${truth && keyOf(truth.held)}`);
      if (truth?.way === 'plain') expect(row.other).toMatchObject({grade: 'proven', join: 'both'});
      else if (truth) expect(row.other).toMatchObject({grade: 'proven', join: 'tracked'});
    }
    const recall = ({found, true: all}: {found: number; true: number}) => `${found}/${all}`;
    console.log(
      `${topology.name}: ${listed} of ${long.length} lasting sockets listed; joins right ${joins.right}, wrong ${joins.wrong.length}, ` +
        `too short-lived to judge ${joins.unjudged}; recall plain ${recall(tally.plain)}, through a ClusterIP ${recall(tally.translated)}, masqueraded ${recall(tally.masqueraded)}`,
    );
    expect(joins.wrong).toEqual([]);
    expect(listed).toBe(long.length);
    // 18 of the mesh, 8 of carts to db-0, 4 of the log-shippers, 2 of the backup; 12 of web to cart.
    expect(tally.plain.true).toBeGreaterThanOrEqual(32);
    expect(tally.translated.true).toBeGreaterThanOrEqual(12);
    expect(tally.plain.found / tally.plain.true, missed.join('\n')).toBeGreaterThanOrEqual(0.95);
    expect(tally.translated.found / tally.translated.true, missed.join('\n')).toBeGreaterThanOrEqual(0.95);
    expect(tally.masqueraded.found / tally.masqueraded.true, missed.join('\n')).toBeGreaterThanOrEqual(0.95);
  });

  test('the mesh on 4240 is complete, from both ends', async () => {
    const {sockets} = await ask<{sockets: Row[]}>(name, ['sockets']);
    const mesh = sockets.filter(
      row =>
        row.state === 'ESTAB' && row.program === 'meshd' && [row.localPort, row.remotePort].includes(4240),
    );
    const names = topology.nodes.map(node => node.name);
    const all = names.flatMap(from => names.map(to => `${from} ${to}`)).sort();
    const ways = (rows: Row[]) => rows.map(row => `${row.node} ${row.other?.node}`).sort();
    expect(ways(mesh.filter(row => row.remotePort === 4240))).toEqual(all);
    expect(ways(mesh.filter(row => row.localPort === 4240))).toEqual(all);
    for (const row of mesh) expect(row.other).toMatchObject({grade: 'proven', join: 'both'});

    for (const pod of topology.pods.filter(each => each.app === 'meshd')) {
      const {peers} = await ask<{
        peers: {words: string; node: string; direction: string; ports: string[]; connections: number}[];
      }>(name, ['peers', `${pod.namespace}/${pod.name}`]);
      const others = topology.pods.filter(each => each.app === 'meshd' && each !== pod);
      const mesh = peers.filter(peer => peer.ports.includes('tcp/4240'));
      expect(mesh.sort((a, b) => a.words.localeCompare(b.words))).toMatchObject(
        others
          .map(each => ({
            words: `${each.namespace}/${each.name}`,
            node: each.node,
            direction: 'both',
            ports: ['tcp/4240'],
            connections: 2,
          }))
          .sort((a, b) => a.words.localeCompare(b.words)),
      );
    }
  });

  test('a veth is the same pair from both sides, with the counters of the kernel', async () => {
    for (const pod of ['data/backup-0', 'shop/db-0']) {
      const inside = placeOf(pod);
      const host = hostOf(inside.node);
      const read = () => {
        const eth0 = linksIn(inside.pid).find(link => link.ifname === 'eth0')!;
        return {eth0, outside: linksIn(host.pid).find(link => link.ifindex === eth0.link_index)!};
      };
      const before = read();
      type Answer = {link: Interface; ends: Interface[]};
      const fromPod = await ask<Answer>(name, ['link', `${pod}:eth0`]);
      const fromHost = await ask<Answer>(name, ['link', `${inside.node}/${before.outside.ifname}`]);
      const after = read();
      const identity = ({words, netns, ifindex, mac}: Interface) => ({words, netns, ifindex, mac});
      expect(fromPod.ends.map(identity)).toEqual([identity(fromHost.link)]);
      expect(fromHost.ends.map(identity)).toEqual([identity(fromPod.link)]);
      expect(fromPod.link.pair.grade).toBe('proven');
      expect(fromHost.link.pair.grade).toBe('proven');
      const told: [Interface, Link, Link][] = [fromPod, fromHost].flatMap(
        ({link, ends}): [Interface, Link, Link][] =>
          [link, ...ends].map(each =>
            each.name === 'eth0' ? [each, before.eth0, after.eth0] : [each, before.outside, after.outside],
          ),
      );
      expect(told).toHaveLength(4);
      for (const [{ifindex, mac, counters}, low, high] of told) {
        expect([ifindex, mac]).toEqual([low.ifindex, low.address]);
        for (const way of ['rx', 'tx'] as const)
          for (const unit of ['bytes', 'packets'] as const) {
            const count = counters[`${way}${unit === 'bytes' ? 'Bytes' : 'Packets'}`];
            expect(count, `${pod} ${way} ${unit}`).toBeGreaterThanOrEqual(low.stats64[way][unit]);
            expect(count, `${pod} ${way} ${unit}`).toBeLessThanOrEqual(high.stats64[way][unit]);
          }
      }
    }
  });

  test('the slow transfer: connection names who stalls, from either end', async () => {
    const {sockets} = await ask<{sockets: Row[]}>(name, ['sockets', 'data/backup-0']);
    const pour = sockets.find(row => row.remotePort === 9000)!;
    const here = `${pour.local}:${pour.localPort}`;
    const there = `${pour.remote}:${pour.remotePort}`;
    type Answer = {
      connection: {
        ends: {pod: string; socket: {recvQ: number; sendQ: number}}[];
        stall: {who: string; sentence: string};
      };
    };
    // The receiver may have read everything at the moment of a sweep.
    for (const [words, who, pods] of [
      [`${here}-${there}`, 'other', ['data/backup-0', 'data/archive-0']],
      [`${there}-${here}`, 'this', ['data/archive-0', 'data/backup-0']],
    ] as const)
      await until(10, async () => {
        const {connection} = await ask<Answer>(name, ['connection', words]);
        expect(connection.ends.map(end => end.pod)).toEqual(pods);
        expect(connection.stall.who).toBe(who);
        expect(connection.stall.sentence).toMatch(/^archive in data\/archive-0 has not read \d+ bytes/);
        const sender = connection.ends[pods.indexOf('data/backup-0')]!;
        expect(sender.socket.sendQ).toBeGreaterThan(10_000);
      });
  });
});
