import * as v from 'valibot';
import {describe, expect, test} from 'vitest';
import type {Graph} from '../../source/model/graph.ts';
import {ask, suggest} from '../../source/questions/catalogue.ts';
import {isMissing} from '../../source/questions/definition.ts';
import {toJson} from '../../source/questions/json.ts';
import {schemaOf} from '../../source/questions/json-schema.ts';
import {type MeshAnswer, mesh} from '../../source/questions/mesh.ts';
import type {PeerRow} from '../../source/questions/peer-rows.ts';
import type {ProcessPort} from '../../source/questions/process-ports.ts';
import type {QuestionName} from '../../source/questions/question.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {graphOf, type NodeSpec, type SocketSpec, snapshotOf} from '../model/world.ts';
import {crowd} from './crowd.ts';
import {graphFrom} from './lab.ts';
import {seedGraph} from './seed.ts';

function asked(graph: Graph, ...words: string[]): MeshAnswer {
  const found = ask(graph, {name: 'mesh', words});
  if (isMissing(found)) throw new Error(found.missing);
  const json = JSON.parse(JSON.stringify(toJson(found)));
  expect(v.safeParse(mesh.schema, json).issues).toBeUndefined();
  return json as MeshAnswer;
}

/** `a b both` for each pair. */
const seen = ({pairs}: MeshAnswer) => pairs.map(pair => `${pair.from} ${pair.to} ${pair.seen}`);
const sentences = ({troubles}: MeshAnswer) => troubles.map(({sentence}) => sentence);

describe('one node of the seed', () => {
  const graph = seedGraph();
  const answer = asked(graph);

  test('says which addresses are nodes and which are health endpoints, and why', () => {
    expect(answer.addresses.map(({address, role, node, grade}) => [address, role, node, grade])).toEqual([
      ['192.168.0.108', 'node', undefined, 'inferred'],
      ['192.168.0.193', 'node', undefined, 'inferred'],
      ['192.168.0.67', 'node', 'k8s-01', 'proven'],
      ['10.0.0.109', 'endpoint', undefined, 'inferred'],
      ['10.0.1.65', 'endpoint', undefined, 'inferred'],
      ['10.0.2.251', 'endpoint', undefined, 'inferred'],
    ]);
    const why = (address: string) => answer.addresses.find(one => one.address === address)!.why;
    expect(why('192.168.0.193')).toBe('its agent calls this node’s health port, 192.168.0.67:4240');
    expect(why('10.0.2.251')).toMatch(
      /^called from cilium_host \(10\.0\.1\.76\), so through the pods’ network; /,
    );
    for (const {evidence} of answer.addresses) expect(evidence).toHaveLength(1);
  });

  test('says what each of the agent’s ports is for, and which is the probe', () => {
    const ports = answer.ports.map(({port, purpose, programs}) => [port, purpose, ...programs]);
    expect(ports).toEqual([
      [4240, 'cilium-health', 'cilium-agent'],
      [4240, 'cilium-health-endpoint', 'cilium-health-responder'],
      [4244, 'hubble', 'cilium-agent'],
      [9879, 'cilium-healthz', 'cilium-agent'],
      [9890, 'cilium-gops', 'cilium-agent'],
      [9962, 'cilium-metrics', 'cilium-agent'],
      [443, undefined],
      [46431, undefined, 'cilium-agent'],
    ]);
    const healthz = answer.ports.find(({port}) => port === 9879)!;
    expect(healthz).toMatchObject({
      probe: 'kubelet: startup, liveness and readiness probe, GET /healthz',
      loopback: true,
      grade: 'inferred',
    });
    expect(answer.ports.at(-1)!.why).toMatch(/^not known/);
  });

  test('nodes that were not read are rows; nothing of them is called missing', () => {
    expect(answer.nodes.map(({name, kind}) => [name, kind])).toEqual([
      ['k8s-01', 'read'],
      ['192.168.0.193', 'address'],
      ['192.168.0.108', 'address'],
    ]);
    expect(answer.troubles).toEqual([]);
    expect(seen(asked(graph, 'cilium-health'))).toEqual([
      'k8s-01 k8s-01 both',
      'k8s-01 192.168.0.193 caller-unread',
      'k8s-01 192.168.0.108 caller-unread',
      '192.168.0.193 k8s-01 called-unread',
      '192.168.0.193 192.168.0.108 unknown',
      '192.168.0.108 k8s-01 called-unread',
      '192.168.0.108 192.168.0.193 unknown',
    ]);
  });
});

const daemon = (i: number, sockets: readonly SocketSpec[]): NodeSpec => ({
  host: '1',
  netns: {1: {links: [{ifindex: 2, name: 'eth0'}], addresses: [`eth0 10.0.0.${i}/24`]}},
  processes: {1: ['1', 'init', 0], 7: ['1', 'exporter', 1]},
  sockets: sockets.map(socket => ({...socket, netns: '1', pids: [7]})),
});
const listens: SocketSpec = {netns: '1', local: '0.0.0.0:9100'};
const call = (from: number, to: number, more: Partial<SocketSpec> = {}): SocketSpec => ({
  netns: '1',
  local: `10.0.0.${from}:${40_000 + to}`,
  remote: `10.0.0.${to}:9100`,
  ...more,
});
const served = (from: number, to: number): SocketSpec => ({
  netns: '1',
  local: `10.0.0.${to}:9100`,
  remote: `10.0.0.${from}:${40_000 + to}`,
});

describe('what is expected', () => {
  /** Node 1 scrapes all the others, 2 to 5, as a collector does; `lacks` are the ones it does not. */
  const scraped = (lacks: readonly number[]) =>
    graphOf({
      n1: daemon(
        1,
        [2, 3, 4, 5].filter(to => !lacks.includes(to)).map(to => call(1, to)),
      ),
      ...Object.fromEntries(
        [2, 3, 4, 5].map(to => [
          `n${to}`,
          daemon(to, [listens, ...(lacks.includes(to) ? [] : [served(1, to)])]),
        ]),
      ),
    });

  test('who calls most of those that listen should call them all, and nobody else need', () => {
    expect(sentences(asked(scraped([])))).toEqual([]);
    const answer = asked(scraped([4]), '9100');
    expect(sentences(answer)).toEqual(['n1 → n4: none, though others have one']);
    expect(answer.troubles[0]!.why).toBe(
      'one is expected: who calls most of the 4 nodes that listen on it should call them all',
    );
    expect(answer.troubles[0]!.evidence.length).toBeGreaterThan(0);
    expect(seen(answer).filter(text => !text.startsWith('n1 '))).toEqual([]);
  });

  test('who calls half or fewer may choose', () => {
    expect(sentences(asked(scraped([4, 5])))).toEqual([]);
  });

  test('a node that was not read is unknown, never missing', () => {
    const graph = graphOf({
      n1: daemon(1, [call(1, 2), call(1, 3)]),
      n2: daemon(2, [listens, served(1, 2)]),
      n3: daemon(3, [listens, served(1, 3)]),
      n4: {state: 'lost', cause: 'No answer.'},
    });
    const answer = asked(graph, '9100');
    expect(answer.troubles).toEqual([]);
    expect(seen(answer)).toContain('n1 n4 unknown');
  });
});

describe('what is half seen', () => {
  const two = (from: readonly SocketSpec[], to: readonly SocketSpec[]) =>
    graphOf({n1: daemon(1, [listens, ...from]), n2: daemon(2, [listens, ...to])});

  test.each([
    ['both', [call(1, 2)], [served(1, 2)]],
    ['caller', [call(1, 2)], []],
    ['called', [], [served(1, 2)]],
    ['calling', [call(1, 2, {state: 'SYN-SENT'})], []],
    ['stuck', [call(1, 2, {sendQ: 40, retrans: 3})], [served(1, 2)]],
    ['past', [call(1, 2, {state: 'TIME-WAIT'})], []],
    ['served', [call(1, 2, {protocol: 'udp'})], [{netns: '1', protocol: 'udp', local: '0.0.0.0:9100'}]],
  ] as const)('%s', (key, from, to) => {
    const answer = asked(two(from, to), '9100');
    expect(seen(answer)).toEqual([`n1 n2 ${key}`]);
    expect(answer.pairs[0]!.connection).toBeDefined();
    expect(answer.pairs[0]!.evidence).toHaveLength(1);
  });

  test('a reader that is slow is no trouble on the way', () => {
    const slow = {...served(1, 2), recvQ: 100};
    expect(seen(asked(two([call(1, 2, {sendQ: 40, retrans: 3})], [slow]), '9100'))).toEqual(['n1 n2 both']);
  });

  test('the end on a node that is not reached now is not missing', () => {
    const n2 = {snapshot: snapshotOf('n2', daemon(2, [listens])), state: 'lost' as const};
    const graph = graphOf({n1: daemon(1, [listens, call(1, 2)]), n2});
    const answer = asked(graph, '9100');
    expect(seen(answer)).toContain('n1 n2 caller-unread');
    expect(answer.troubles).toEqual([]);
  });

  const text = (graph: Graph, ...words: string[]) =>
    viewText(toView(ask(graph, {name: 'mesh', words}) as MeshAnswer));

  test('what was whole when a node was last read is not shown as whole now', () => {
    const n2 = {snapshot: snapshotOf('n2', daemon(2, [listens, served(1, 2)])), state: 'lost' as const};
    const graph = graphOf({n1: daemon(1, [listens, call(1, 2)]), n2});
    const shown = text(graph, '9100');
    expect(shown).toContain('2 nodes, 1 of them not reached now (as last read) ·');
    expect(shown).toMatch(/^1 n1 {2}[.?] o$/m);
    expect(shown).toMatch(/^o {2}as last read/m);
    expect(shown).not.toMatch(/^\+ {2}/m);
  });

  test('no sockets read is not no connection', () => {
    const graph = graphOf({
      n1: daemon(1, [listens, call(1, 2)]),
      n2: daemon(2, [listens, served(1, 2)]),
      n3: daemon(3, []),
    });
    const third = graph.nodes[2]!;
    const {sockets: _, ...snapshot} = third.snapshot!;
    Object.assign(third, {snapshot});
    const shown = text(graph, '9100');
    expect(shown).toMatch(/^1 n1 {2}\. \+ \?$/m);
    expect(shown).toMatch(/^3 n3 {2}\? \? \?$/m);
  });

  test('a tunnel of the kernel has no sockets, which is said', async () => {
    const lab = await graphFrom(new URL('../fixtures/lab-services.hop', import.meta.url).pathname);
    const shown = text(lab, 'flannel-vxlan');
    expect(shown).toContain('a tunnel of the kernel has no sockets');
    expect(shown).toMatch(/cp-1 +\? \? \?$/m);
    expect(shown).not.toMatch(/^\. {2}none/m);
  });

  test('a connection that both ends could have begun is told of once', () => {
    const graph = two(
      [{netns: '1', local: '10.0.0.1:9100', remote: '10.0.0.2:9100'}],
      [{netns: '1', local: '10.0.0.2:9100', remote: '10.0.0.1:9100'}],
    );
    expect(asked(graph).pairs.map(({connections}) => connections)).toEqual([1]);
  });
});

describe('fifty nodes', () => {
  test('what explains most comes first, rows and columns in one sentence', async () => {
    const graph = await crowd(50, (from, to) => {
      if (from === 6 && to === 11) return {called: false};
      if (to === 20) return {called: false, calling: true};
      return from === 30 && to === 31 ? {caller: false, called: false} : {};
    });
    const answer = asked(graph, '4240');
    expect(sentences(answer)).toEqual([
      '50 nodes → node-21: calls without an answer',
      'node-31 → node-32: none, though others have one',
      'node-7 → node-12: only seen from node-7: node-12 was read and has no such socket',
    ]);
    expect(answer.pairs).toHaveLength(2500);
    expect(answer.pairs.filter(pair => pair.seen === 'both')).toHaveLength(2500 - 50 - 2);
    const one = asked(graph, '4240', 'node-31', 'node-32');
    expect(seen(one)).toEqual(['node-31 node-32 none', 'node-32 node-31 both']);
    expect(asked(graph, 'node-31').pairs.every(({from, to}) => [from, to].includes('node-31'))).toBe(true);
  });

  test('a node that is lost is not a column of missing ones', async () => {
    const answer = asked(await crowd(50, undefined, [40]), '4240');
    expect(answer.troubles).toEqual([]);
    expect(answer.nodes[40]).toMatchObject({name: '10.44.1.41', kind: 'unread'});
    expect(answer.pairs.filter(pair => pair.seen === 'caller-unread')).toHaveLength(49);
  });
});

describe('words', () => {
  const graph = seedGraph();

  test('port, protocol and port, purpose, plugin and program, with nodes in any order', () => {
    const ports = (...words: string[]) => asked(graph, ...words).ports.map(({port}) => port);
    expect(ports('9879')).toEqual([9879]);
    expect(ports('tcp/4240')).toEqual([4240, 4240]);
    expect(ports('cilium-health-endpoint')).toEqual([4240]);
    expect(ports('cilium')).toEqual([4240, 4240, 4244, 9879, 9890, 9962]);
    expect(ports('cilium-agent')).toContain(46431);
    expect(asked(graph, 'k8s-01', '4240').question.words).toEqual(['4240', 'k8s-01']);
  });

  test('what is nothing of all that is said, with near names', () => {
    const found = ask(graph, {name: 'mesh', words: ['hubbel']});
    expect(found).toMatchObject({
      missing: expect.stringMatching(/^No node listens on, or talks over, hubbel,/),
    });
    expect(isMissing(found) && found.suggestions).toContain('hubble');
    expect(ask(graph, {name: 'mesh', words: ['4240', 'k8s-02']})).toMatchObject({
      missing: 'k8s-02 is no node that was read.',
    });
    expect(ask(graph, {name: 'mesh', words: ['1', '2', '3', '4']})).toHaveProperty('missing');
  });

  test('are completed', () => {
    expect(suggest(graph, 'mesh cil')).toContain('mesh cilium-health');
    expect(suggest(graph, 'mesh k8s')).toContain('mesh k8s-01');
    expect(schemaOf('mesh')).toHaveProperty('properties.pairs');
  });
});

describe('what the process and its peers tell of one node of the seed', () => {
  const graph = seedGraph();
  const json = (...words: [QuestionName, ...string[]]) => {
    const [name, ...rest] = words;
    const found = ask(graph, {name, words: rest});
    if (isMissing(found)) throw new Error(found.missing);
    return JSON.parse(JSON.stringify(toJson(found)));
  };

  test('the agent: which of its ports is which probe', () => {
    const {ports} = json('process', 'k8s-01:2029') as {ports: ProcessPort[]};
    expect(ports.map(({port, purpose, loopback}) => [port, purpose, loopback])).toEqual([
      [4240, 'cilium-health', false],
      [4244, 'hubble', false],
      [9879, 'cilium-healthz', true],
      [9890, 'cilium-gops', true],
      [9962, 'cilium-metrics', false],
      [46431, undefined, true],
    ]);
    expect(ports.every(({evidence}) => evidence.length > 0)).toBe(true);
  });

  test('its responder: listening by its command line, since no socket of it was seen', () => {
    const {ports, ancestors} = json('process', 'k8s-01:2277') as {
      ports: ProcessPort[];
      ancestors: {pid: number}[];
    };
    expect(ports).toMatchObject([
      {port: 4240, purpose: 'cilium-health-endpoint', addresses: [], evidence: [{fact: 'processes'}]},
    ]);
    expect(ports[0]!.why).toBe('no socket of it was seen: its command line says so');
    expect(ancestors[0]!.pid).toBe(2029);
  });

  test('its peers: nodes, health endpoints, and neither', () => {
    const {peers} = json('peers', 'k8s-01:2029') as {peers: PeerRow[]};
    expect(peers.map(({words, role, purposes}) => [words, role, ...purposes])).toEqual([
      ['192.168.0.108', 'a node', 'cilium-health'],
      ['192.168.0.193', 'a node', 'cilium-health'],
      ['10.0.0.109', 'a health endpoint', 'cilium-health-endpoint'],
      ['10.0.1.65', 'a health endpoint', 'cilium-health-endpoint'],
      ['10.0.2.251', 'a health endpoint', 'cilium-health-endpoint'],
      ['10.96.0.1', undefined],
    ]);
  });
});
