/** The topologies that differ in how a packet goes: up together, with their traffic, what is their own, and gone again. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {whatIsMissing} from '../../demo/lab/need.ts';
import type {LabStatus} from '../../demo/lab/status.ts';
import {topologies as all} from '../../demo/lab/topologies.ts';
import {pairsAreCrossed, plannedCallsAreHeld, translationsAreCrossed} from './checks.ts';
import {type Crossing, crossed} from './crossed.ts';
import {inPod, lab, labStarts, netnsOf, onNode, podOf, remains, statusOf} from './harness.ts';

const topologies = all.filter(each => !['flannel-vxlan', 'routed'].includes(each.name));
const runs = (await whatIsMissing()).length === 0;
const nameOf = (topology: string) => `topo-${process.pid}-${topology}`;
const statuses = new Map<string, LabStatus>();

beforeAll(async () => {
  if (!runs) return;
  await Promise.all(
    topologies.map(async ({name}) => {
      const {heard, ended} = labStarts('up', name, '--name', nameOf(name));
      const status = await ended;
      if (status !== 0) throw new Error(`${name}: ${heard.err}`);
      statuses.set(name, statusOf(nameOf(name)));
    }),
  );
}, 120_000);

afterAll(() => {
  if (runs) for (const {name} of topologies) lab('down', '--name', nameOf(name));
}, 60_000);

const links = (way: readonly Crossing[]) =>
  way.map(({node, link, direction}) => `${node} ${link} ${direction}`);

describe.runIf(runs).each(topologies)('lab $name', {timeout: 60_000}, topology => {
  const name = nameOf(topology.name);
  const [, first, second] = topology.nodes as [LabNode, LabNode, LabNode];
  type LabNode = (typeof topology.nodes)[number];
  let status: LabStatus;
  beforeAll(() => {
    status = statuses.get(topology.name)!;
  });

  test('all the planned connections are held, through every translation', () =>
    plannedCallsAreHeld(topology, status));

  test('every translation leads to whom it should, and back', () => translationsAreCrossed(topology, status));

  test('every pair of pods is crossed, there and back', async () => {
    const seen = await pairsAreCrossed(status);
    const between = seen.flatMap(({forward}) => links(forward));
    if (topology.name === 'bird-ecmp')
      // Both next hops are used, each by some pairs.
      for (const router of ['router-1', 'router-2'])
        expect(between.filter(each => each.startsWith(router))).not.toEqual([]);
    if (topology.name === 'two-uplinks')
      for (const card of ['eth0', 'eth1'])
        for (const direction of ['in', 'out']) expect(between).toContain(`worker-1 ${card} ${direction}`);
    if (topology.name === 'dual-stack')
      for (const device of ['flannel.1', 'flannel-v6.1']) expect(between).toContain(`worker-1 ${device} out`);
  });

  if (topology.name === 'host-gw')
    test('pods of the others by way of their nodes, without a tunnel', () => {
      expect(onNode(name, first.name, `ip route get ${podOf(status, 'shop/db-0').ip}`)).toContain(
        `via ${second.address} dev eth0`,
      );
      expect(onNode(name, first.name, 'ip -o link show type vxlan')).toBe('');
    });

  if (topology.name === 'dual-stack')
    test('both families have a tunnel, and services their rules', () => {
      const [vxlan] = JSON.parse(onNode(name, first.name, 'ip -j -d link show flannel-v6.1'));
      expect(vxlan).toMatchObject({mtu: 1430, linkinfo: {info_data: {id: 1, local6: first.address6}}});
      expect(onNode(name, first.name, 'ip6tables-save -t nat')).toMatch(
        /-A KUBE-SEP-[A-Z2-7]{16} -p tcp .*-j DNAT --to-destination \[fd00:10:244:\d::\w+\]:7070/,
      );
      expect(onNode(name, first.name, 'ip6tables-save -t filter')).toContain(
        'shop/payments:api has no endpoints" -m tcp --dport 8443 -j REJECT --reject-with icmp6-port-unreachable',
      );
    });

  if (topology.name === 'two-uplinks')
    test('a pod on the second card leaves by its own table, and outside by the first', async () => {
      const rules = onNode(name, first.name, 'ip rule');
      const [, address] = /^1536:\s+from (\S+) lookup 2/m.exec(rules)!;
      expect(rules).toMatch(new RegExp(`^512:\\s+from all to ${address} lookup main`, 'm'));
      expect(rules).toMatch(/^1024:\s+from all fwmark 0x80\/0x80 lookup main/m);
      const pod = status.pods.find(each => each.ip === address)!;
      const from = {node: first.name, pod: `${pod.namespace}/${pod.name}`};
      const [near, far] = await crossed(status, [
        {from, to: podOf(status, 'shop/db-0').ip, port: 5432, protocol: 'tcp'},
        {from, to: topology.outside.address, port: 443, protocol: 'tcp'},
      ]);
      expect(links(near!.forward)).toContain(`${first.name} eth1 out`);
      expect(links(far!.forward)).toContain(`${first.name} eth0 out`);
      expect(far!.forward.at(-1)!.layers[0]!.source).toMatch(new RegExp(`^${first.address}:`));
      expect(far!.answer).toBe('syn-ack');
    });

  if (topology.name === 'bird-ecmp')
    test("BIRD's routes have two next hops, and the node's own block is a blackhole", () => {
      const routes = onNode(name, first.name, 'ip route show proto bird');
      expect(routes).toContain(`blackhole ${first.podCidr}`);
      for (const hop of ['10.49.1.2 dev eth1', '10.49.2.2 dev eth2'])
        expect(routes).toMatch(new RegExp(`^${second.podCidr} .*\\n(\\t.*\\n)*\\tnexthop via ${hop} `, 'm'));
      expect(onNode(name, first.name, 'birdc show protocols router_1')).toContain('Established');
      expect(inPod(status, 'data/backup-0', 'ip', 'route')).toContain('default via 169.254.1.1 dev eth0');
    });

  test('down leaves nothing', () => {
    const netns = netnsOf(status);
    expect(remains(name, netns).length).toBeGreaterThan(20);
    expect(lab('down', '--name', name).err).toContain(`Lab ${name} is gone.`);
    expect(remains(name, netns)).toEqual([]);
  });
});
