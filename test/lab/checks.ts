/** What has to hold in a lab of any topology. */
import {expect} from 'vitest';
import type {LabStatus} from '../../demo/lab/status.ts';
import type {Topology} from '../../demo/lab/topology.ts';
import {type Crossed, crossed, crossingText} from './crossed.ts';
import {eventually} from './harness.ts';
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
