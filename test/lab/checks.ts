/** What has to hold in a lab of any topology. */
import {expect} from 'vitest';
import type {LabStatus} from '../../demo/lab/status.ts';
import type {Topology} from '../../demo/lab/topology.ts';
import {type Crossed, crossed, crossingText} from './crossed.ts';
import {eventually, podOf} from './harness.ts';
import type {Wanted} from './marks.ts';
import {plannedCalls} from './planned.ts';
import {connectionText, truthOf} from './truth.ts';

/**
 * A SYN from every pod to every other one, by every family they have, arrives and is answered, and every link from end
 * to end saw it once.
 */
export const pairsAreCrossed = async (status: LabStatus): Promise<Crossed[]> => {
  const pods = status.pods.filter(pod => !pod.hostNetwork);
  const place = (pod: (typeof pods)[number]) => ({node: pod.node, pod: `${pod.namespace}/${pod.name}`});
  const pairs = pods.flatMap(from =>
    pods
      .filter(to => to !== from)
      .flatMap(to => [to.ip, to.ip6 ?? []].flat().map(address => ({from, to, address}))),
  );
  const seen = await crossed(
    status,
    pairs.map(({from, address}) => ({from: place(from), to: address, port: 9999, protocol: 'tcp'})),
  );
  const nodes = status.nodes.map(node => node.name);
  for (const [index, {from, to, address}] of pairs.entries()) {
    const {forward, reply, answer} = seen[index]!;
    const what = `${from.name} → ${to.name}:\n${[...forward, ...reply].map(crossingText).join('\n')}`;
    for (const [way, first, last] of [
      [forward, from, to],
      [reply, to, from],
    ] as const) {
      expect(way[0], what).toMatchObject({...place(first), link: 'eth0', direction: 'out'});
      expect(way.at(-1), what).toMatchObject({...place(last), link: 'eth0', direction: 'in'});
      expect(new Set(way.map(crossingText)).size, what).toBe(way.length);
      // Between nodes it is seen on the fabric or in a router.
      expect(
        way.some(({node}) => !nodes.includes(node)),
        what,
      ).toBe(from.node !== to.node);
    }
    const listens = to.name.startsWith('legacy-report') && !address.includes(':');
    expect(answer, what).toMatch(listens ? 'syn-ack' : /^(rst|syn-ack)$/);
  }
  return seen;
};

/** Every connection that the topology plans is held, both its ends are known, and it is translated as it should be. */
export const plannedCallsAreHeld = async (topology: Topology, status: LabStatus) => {
  const expected = plannedCalls(topology, status);
  await eventually(async () => {
    const {connections} = await truthOf(status);
    const counted = new Map<string, number>();
    for (const {protocol, client} of connections) {
      const call = `${protocol} ${client.of ?? client.program} ${client.program} ${client.peer}`;
      counted.set(call, (counted.get(call) ?? 0) + 1);
    }
    expect(Object.fromEntries([...counted].sort())).toEqual(Object.fromEntries([...expected].sort()));
    for (const by of ['pod', 'node', 'cluster-ip', 'node-port', 'host-port', 'outside'])
      for (const protocol of ['tcp', 'udp'])
        if (!['udp pod', 'udp node'].includes(`${protocol} ${by}`))
          expect(
            connections.filter(each => each.by === by && each.protocol === protocol),
            `${protocol} by ${by}`,
          ).not.toEqual([]);
    for (const connection of connections) {
      const {by, client, server, translated} = connection;
      const text = connectionText(connection);
      if (by === 'pod' || by === 'node')
        expect(translated, text).toEqual({destination: false, source: false});
      if (by === 'outside') expect(translated, text).toEqual({destination: false, source: true});
      if (by === 'node-port') expect(translated, text).toEqual({destination: true, source: true});
      // Who calls itself is masqueraded on the way through a ClusterIP, and who calls from outside the cluster's range.
      const inRange = client.pod !== undefined || topology.datapath === 'vpc';
      if (by === 'cluster-ip')
        expect(translated, text).toEqual({
          destination: true,
          source: !inRange || (client.pod !== undefined && client.pod === server.pod),
        });
      if (by === 'host-port') expect(translated.destination, text).toBe(true);
    }
  });
};

/** Every kind of translation leads where it should and back: what was asked is answered by whom the topology names. */
export const translationsAreCrossed = async (topology: Topology, status: LabStatus) => {
  const at = (start: string) => {
    const pod = podOf(status, start);
    return {node: pod.node, pod: `${pod.namespace}/${pod.name}`};
  };
  const [control, first, second] = topology.nodes as [Plan, Plan, Plan];
  type Plan = (typeof topology.nodes)[number];
  const service = (name: string) => topology.services.find(each => each.name === name)!;
  const web = at('shop/web-7c5ddbdf54-8kqzr');
  const collector = at('data/collector-0');
  const outside = {node: 'fabric'};
  const both = topology.clusterCidr6 !== undefined;
  /** From where, to what, by which families' addresses; the answer, and who gives it. */
  const cases: {
    from: Wanted['from'];
    to: readonly (string | undefined)[];
    port: number;
    protocol: 'tcp' | 'udp';
    answer: RegExp;
    end?: RegExp;
  }[] = [
    ...(['tcp', 'udp'] as const).flatMap(protocol => {
      const answer = protocol === 'tcp' ? /^syn-ack$/ : /^echo$/;
      const port = protocol === 'tcp' ? 5140 : 8125;
      const {clusterIp, clusterIp6} = service('collector');
      const common = {protocol, answer};
      return [
        {...common, from: web, to: [clusterIp, clusterIp6], port, end: /^data\/collector/},
        {...common, from: collector, to: [clusterIp, clusterIp6], port, end: /^data\/collector/},
        {...common, from: {node: first.name}, to: [clusterIp, clusterIp6], port, end: /^data\/collector/},
        {...common, from: web, to: [control.address, control.address6], port, end: /^data\/collector/},
        {...common, from: outside, to: [control.address, control.address6], port, end: /^data\/collector/},
        {
          ...common,
          from: outside,
          to: [second.address, second.address6],
          port: protocol === 'tcp' ? 30070 : 30053,
          end: protocol === 'tcp' ? /^shop\/cart/ : /^kube-system\/resolver/,
        },
        {
          ...common,
          from: web,
          to: [topology.outside.address, topology.outside.address6],
          port: protocol === 'tcp' ? 443 : 53,
        },
      ];
    }),
    {
      from: web,
      to: [service('payments').clusterIp, service('payments').clusterIp6],
      port: 8443,
      protocol: 'tcp',
      answer: /^icmp (3\/3|1\/4) from /,
    },
  ];
  const each = cases.flatMap(({to, ...rest}) =>
    to.slice(0, both ? 2 : 1).map(address => ({...rest, to: address!})),
  );
  const seen = await crossed(status, each);
  for (const [index, {from, answer, end}] of each.entries()) {
    const {wanted, forward, reply, answer: said} = seen[index]!;
    const text = `${JSON.stringify(wanted)} ${said}\n${[...forward, ...reply].map(crossingText).join('\n')}`;
    expect(said, text).toMatch(answer);
    expect(forward[0], text).toMatchObject(from);
    expect(reply.at(-1), text).toMatchObject(from);
    if (end) expect(forward.at(-1)!.pod, text).toMatch(end);
    if (end) expect(reply[0]!.pod, text).toMatch(end);
    // Whoever asked hears from whom he asked, not from whom it was translated to.
    const asked = forward[0]!.layers.at(-1)!;
    const heard = reply.at(-1)!.layers.at(-1)!;
    if (!said!.startsWith('icmp') && from.node !== first.name)
      expect([heard.source, heard.destination], text).toEqual([asked.destination, asked.source]);
  }
};
