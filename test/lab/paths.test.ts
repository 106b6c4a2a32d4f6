/**
 * Computed paths against the kernel: from every pod and node of every topology to every other one, and to every
 * service, the interfaces that hoptop says are those that tcpdump saw the packet cross.
 */
import {rmSync} from 'node:fs';
import {beforeAll, describe, expect, test} from 'vitest';
import {topologies} from '../../demo/lab/topologies.ts';
import type {Topology} from '../../demo/lab/topology.ts';
import type {Graph} from '../../source/model/graph.ts';
import {graphFrom} from '../questions/lab.ts';
import {crossed} from './crossed.ts';
import {statusOf} from './harness.ts';
import type {Wanted} from './marks.ts';
import {type Compared, compare, isExact, plain} from './predicted.ts';
import {hoptop, labsFor, nameOf, runs, scratch} from './walk.ts';

const FILE = 'paths';
labsFor(
  FILE,
  topologies.map(({name}) => name),
);

/** What is sent: to each address of each place, and to each port of each service. */
function everything(name: string, topology: Topology): {direct: Wanted[]; services: Wanted[]} {
  const status = statusOf(name);
  const pods = status.pods
    .filter(pod => !pod.hostNetwork)
    .map(pod => ({place: {node: pod.node, pod: `${pod.namespace}/${pod.name}`}, address: pod.ip}));
  const nodes = status.nodes.map(node => ({place: {node: node.name}, address: node.address}));
  const ends = [...pods, ...nodes];
  const direct = ends.flatMap(from =>
    ends
      .filter(to => to !== from)
      .map(to => ({from: from.place, to: to.address, port: 9999, protocol: 'tcp' as const})),
  );
  const services = ends.flatMap(from =>
    topology.services.flatMap(service =>
      service.ports.map(({port, protocol}) => ({from: from.place, to: service.clusterIp, port, protocol})),
    ),
  );
  return {direct, services};
}

async function recorded(name: string): Promise<Graph> {
  const file = scratch(`${name}.hop`);
  rmSync(file, {force: true});
  const {status, err} = await hoptop(name, ['record', file, '--for', '1']);
  expect(status, err).toBe(0);
  return graphFrom(file);
}

function told(all: readonly Compared[], isSo: (one: Compared) => boolean): string {
  const wrong = all.filter(one => !isSo(one)).slice(0, 3);
  return wrong.map(one => JSON.stringify(one, null, 1)).join('\n');
}

describe.runIf(runs).each(topologies)('paths in $name', {timeout: 120_000}, topology => {
  const name = nameOf(FILE, topology.name);
  let direct: Compared[];
  let services: Compared[];

  beforeAll(async () => {
    const wanted = everything(name, topology);
    const status = statusOf(name);
    const seen = await crossed(status, [...wanted.direct, ...wanted.services]);
    const all = compare(await recorded(name), status, seen);
    direct = all.slice(0, wanted.direct.length);
    services = all.slice(wanted.direct.length);
  }, 120_000);

  test('every pair, there and back', () => {
    const there = direct.filter(one => isExact(one.seen, one.ways));
    const back = direct.filter(one => isExact(one.answerSeen, one.answerWays));
    console.log(
      `paths ${topology.name}: ${direct.length} pairs, ${there.length} exact there, ${back.length} back`,
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
  });
});
