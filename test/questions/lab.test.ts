import * as v from 'valibot';
import {beforeAll, describe, expect, test} from 'vitest';
import type {Graph} from '../../source/model/graph.ts';
import type {Answer, Missing} from '../../source/questions/answer.ts';
import {ask, definitionOf} from '../../source/questions/catalogue.ts';
import type {ConnectionAnswer} from '../../source/questions/connection.ts';
import {isMissing} from '../../source/questions/definition.ts';
import {toJson} from '../../source/questions/json.ts';
import {schemaOf} from '../../source/questions/json-schema.ts';
import type {LinkAnswer} from '../../source/questions/link.ts';
import type {OverviewAnswer} from '../../source/questions/overview.ts';
import type {PeersAnswer} from '../../source/questions/peers.ts';
import type {PodAnswer} from '../../source/questions/pod.ts';
import {QUESTION_NAMES, type Question} from '../../source/questions/question.ts';
import {type SocketRow, socketAt} from '../../source/questions/socket-rows.ts';
import type {SocketsAnswer} from '../../source/questions/sockets.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {labGraph} from './lab.ts';

let graph: Graph;
beforeAll(async () => {
  graph = await labGraph();
});

function answer<A extends Answer>(question: Question): A {
  const found: Answer | Missing = ask(graph, question);
  if (isMissing(found)) throw new Error(found.missing);
  return found as A;
}

function sockets(...words: string[]): SocketRow[] {
  const found = answer<SocketsAnswer>({name: 'sockets', words}).sockets;
  return Array.from({length: found.count}, (_, i) => socketAt(found, i));
}

/** One question of each name, about something that the lab has. */
function questions(): Question[] {
  const slow = sockets('data/backup-0').find(socket => socket.remotePort === 9000)!;
  const words: Record<string, string[]> = {
    node: ['worker-1'],
    pod: ['shop/db-0'],
    link: ['worker-1/cni0'],
    process: [`worker-1:${slow.pid}`],
    peers: ['shop/db-0'],
    path: ['data/backup-0', 'shop/db-0'],
    connection: [`${slow.local}:${slow.localPort}-${slow.remote}:${slow.remotePort}`],
  };
  return QUESTION_NAMES.map(name => ({name, words: words[name] ?? []}));
}

describe('every question', () => {
  test('answers JSON that is what its schema says, with nothing beside it', () => {
    for (const question of questions()) {
      const json = JSON.parse(JSON.stringify(toJson(answer(question))));
      const checked = v.safeParse(definitionOf(question.name).schema, json);
      expect(
        checked.issues?.map(issue => `${question.name} ${v.getDotPath(issue)}: ${issue.message}`),
      ).toBeUndefined();
      expect(checked.output, question.name).toEqual(json);
      expect(schemaOf(question.name)).toMatchObject({type: 'object', title: `hoptop ${question.name}`});
    }
  });

  test('survives a structured clone: it is drawn the same after it', () => {
    for (const question of questions()) {
      const before = answer(question);
      expect(viewText(toView(structuredClone(before)))).toBe(viewText(toView(before)));
    }
  });

  test('is named by words that answer the same again', () => {
    for (const question of questions()) {
      const first = answer(question);
      expect(toJson(answer(first.question)), question.name).toEqual(toJson(first));
    }
  });

  test('stands on evidence that lies in a reply', () => {
    for (const question of questions()) {
      const text = JSON.stringify(toJson(answer(question)));
      const spans = [...text.matchAll(/"sweep":(\d+),"from":(\d+),"to":(\d+)/g)];
      // This recording is older than the reading of rules: services.test.ts has one that is not.
      if (question.name === 'services') continue;
      expect(spans.length, question.name).toBeGreaterThan(0);
      for (const [, sweep, from, to] of spans) {
        expect(Number(sweep)).toBeGreaterThan(0);
        expect(Number(to), `${question.name} ${from}`).toBeGreaterThan(Number(from));
      }
    }
  });

  test('opens only questions that have an answer', () => {
    for (const question of questions()) {
      for (const {body} of toView(answer(question)).facets) {
        const opened =
          body.type === 'table'
            ? Array.from({length: body.count}, (_, i) => body.row(i)).flatMap(row => [row.opens, row.other])
            : body.type === 'fields'
              ? body.fields.flatMap(field => [field.opens, field.other])
              : [];
        for (const next of opened) {
          if (next)
            expect(ask(graph, next), `${question.name} → ${next.name} ${next.words}`).not.toHaveProperty(
              'missing',
            );
        }
      }
    }
  });
});

test('the overview counts what is on every node', () => {
  const {nodes, totals} = answer<OverviewAnswer>({name: 'overview', words: []});
  expect(nodes.map(node => [node.name, node.address, node.pods, node.state])).toEqual([
    ['cp-1', '10.44.0.11', 5, 'ready'],
    ['worker-1', '10.44.0.12', 5, 'ready'],
    ['worker-2', '10.44.0.13', 6, 'ready'],
  ]);
  expect(totals).toMatchObject({nodes: 3, read: 3, pods: 16, namespaces: 16});
});

test('every pod that is not on the host’s network has a proven host link on the bridge', () => {
  const own = graph.pods.filter(pod => !pod.hostNetwork);
  expect(own).toHaveLength(13);
  for (const pod of own) {
    const {pod: row} = answer<PodAnswer>({name: 'pod', words: [pod.key]});
    expect(row.attachments).toHaveLength(1);
    expect(row.attachments[0], pod.key).toMatchObject({grade: 'proven', master: 'cni0'});
  }
});

test('a pod’s drawing fits 80 columns, label, cursor and all', () => {
  for (const {key} of graph.pods) {
    const {body} = toView(answer({name: 'pod', words: [key]})).facets[0]!;
    if (body.type !== 'fields') throw new Error('no fields');
    const labels = Math.max(...body.fields.map(field => field.label.length));
    const drawn = body.fields.filter(({cells: [first]}) => /^[┌├│└]/.test(first!.text));
    expect(drawn.length, key).toBeGreaterThan(1);
    for (const {cells} of drawn) {
      const text = cells.map(cell => cell.text).join('');
      expect(labels + 4 + text.length, text).toBeLessThanOrEqual(80);
    }
  }
});

test('a pod’s host link leads back to the pod, and the slow transfer crosses it', () => {
  const {pod} = answer<PodAnswer>({name: 'pod', words: ['data/archive-0']});
  const link = answer<LinkAnswer>({name: 'link', words: [pod.attachments[0]!.outside[0]!.words]});
  expect(link.link.behind).toEqual(['data/archive-0']);
  expect(link.crossing.grade).toBe('proven');
  const crossing = Array.from({length: link.sockets.count}, (_, i) => socketAt(link.sockets, i));
  expect(crossing.map(socket => [socket.localPort, socket.other.pod])).toEqual([[9000, 'data/backup-0']]);
});

test('the full mesh of health connections: each node’s daemon is joined with every other’s', () => {
  const mesh = graph.pods.filter(pod => pod.name.startsWith('meshd-'));
  expect(mesh).toHaveLength(3);
  for (const pod of mesh) {
    const {peers} = answer<PeersAnswer>({name: 'peers', words: [pod.key]});
    expect(peers.map(peer => peer.words).sort()).toEqual(
      mesh
        .filter(other => other !== pod)
        .map(other => other.key)
        .sort(),
    );
    for (const peer of peers)
      expect(peer).toMatchObject({grade: 'proven', direction: 'both', ports: ['tcp/4240']});
  }
});

describe('keys find something on every line', () => {
  const all = (line: string, facet: number) => {
    const [name, word] = line.split(' ');
    const {body} = toView(answer({name: name as Question['name'], words: word === undefined ? [] : [word]}))
      .facets[facet]!;
    if (body.type === 'table') return Array.from({length: body.count}, (_, i) => body.row(i));
    return body.type === 'fields' ? body.fields : [];
  };

  test('o on each line of a connection and of a link, and e', () => {
    const {words} = questions().find(({name}) => name === 'connection')!;
    const lines = [...all(`connection ${words[0]}`, 0), ...all('link shop/db-0:eth0', 0)];
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) {
      expect(line.other, JSON.stringify(line)).toBeDefined();
      expect(line.evidence?.length, JSON.stringify(line)).toBeGreaterThan(0);
    }
  });

  test('o on a peer is its only connection, seen from there, or its own peers', () => {
    const {peers} = answer<PeersAnswer>({name: 'peers', words: ['data/archive-0']});
    expect(peers.map(peer => peer.connections)).toEqual([1]);
    const [{other} = {}] = all('pod data/archive-0', 1);
    const there = answer<ConnectionAnswer>(other!);
    expect(there.connection.ends.map(end => end.pod)).toEqual(['data/backup-0', 'data/archive-0']);
    for (const row of all('pod shop/db-0', 1)) expect(row.other?.name).toBe('peers');
  });

  test('the first line of a pod opens its peers, a node has evidence', () => {
    expect(all('pod shop/db-0', 0)[0]).toMatchObject({opens: {name: 'peers', words: ['shop/db-0']}});
    expect(all('overview', 0).map(row => row.evidence?.map(({fact}) => fact))).toEqual(
      Array(3).fill(['identity']),
    );
  });
});

test('o lands on the same connection seen from the other node, and back', () => {
  const [question] = questions().filter(({name}) => name === 'connection');
  const here = answer<ConnectionAnswer>(question!);
  const jump = toView(here).facets[0]!.body;
  const other =
    jump.type === 'fields'
      ? jump.fields.find(field => field.other?.name === 'connection')!.other!
      : undefined;
  const there = answer<ConnectionAnswer>(other!);
  const ends = (found: ConnectionAnswer) =>
    found.connection.ends.map(end => [end.node, end.pod, end.process]);
  expect(ends(here)[0]![0]).not.toBe(ends(there)[0]![0]);
  expect(ends(there)).toEqual([...ends(here)].reverse());
  expect(there.connection.stall.who).toBe('this');
  expect(here.connection).toMatchObject({grade: 'proven', stall: {who: 'other'}});
  expect(here.connection.stall.sentence).toMatch(
    /^archive in data\/archive-0 has not read \d+ bytes that arrived/,
  );
});

test('a client of a ClusterIP is joined with the server behind it, and says that it goes through NAT', () => {
  const clients = sockets('shop/web-7c5ddbdf54-x7f2m').filter(socket => socket.remote === '10.96.114.20');
  expect(clients.length).toBeGreaterThan(0);
  for (const {other} of clients) {
    expect(other).toMatchObject({join: 'translated', grade: 'inferred', program: 'cart', localPort: 7070});
    expect(other.pod).toMatch(/^shop\/cart-/);
  }
});

test('the client that is refused names the pod that does not listen, when it is caught calling', () => {
  const calls = sockets('shop/payments-79b8d6f5c4-2rjvx').filter(socket => socket.state === 'SYN-SENT');
  for (const {other} of calls) expect(['silent', 'waiting', 'outside']).toContain(other.join);
});

test('the namespace of every socket is where it was seen, its process from the descriptors', () => {
  const [server] = sockets('shop/db-0').filter(socket => socket.state === 'LISTEN');
  expect(server).toMatchObject({program: 'postgres', pod: 'shop/db-0', place: 'pod', localPort: 5432});
  const kernel = sockets('worker-1').find(socket => socket.localPort === 8472)!;
  expect(kernel.holders).toEqual([]);
  expect(kernel.held).toContain('the kernel’s own');
});
