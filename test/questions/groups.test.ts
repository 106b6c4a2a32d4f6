import {beforeAll, describe, expect, test} from 'vitest';
import {withNames} from '../../source/cli/reverse.ts';
import {tcpInfoOf} from '../../source/facts/sockets/tcp-info.ts';
import type {Graph, Pod} from '../../source/model/graph.ts';
import {workloadOf} from '../../source/model/workloads.ts';
import {ask} from '../../source/questions/catalogue.ts';
import type {PeersAnswer} from '../../source/questions/peers.ts';
import {peers} from '../../source/questions/peers.ts';
import type {SocketRow} from '../../source/questions/socket-rows.ts';
import {stallOf} from '../../source/questions/stall.ts';
import {endsOf} from '../../source/questions/translations.ts';
import {fixture} from '../facts/samples.ts';
import {graphOf} from '../model/world.ts';
import {graphFrom} from './lab.ts';

let graph: Graph;
beforeAll(async () => {
  graph = await graphFrom(new URL('../fixtures/lab-services.hop', import.meta.url).pathname);
});

const peersOf = (word: string): PeersAnswer => {
  const found = ask(graph, {name: 'peers', words: [word]});
  if ('missing' in found) throw new Error(found.missing);
  return found as PeersAnswer;
};

describe('the workload of a pod', () => {
  const made = (name: string) => {
    const found = workloadOf({cluster: undefined} as Graph, {namespace: 'shop', name} as Pod);
    return found && [found.key, found.kind, found.grade];
  };

  test.each([
    ['web-7c5ddbdf54-8kqzr', ['shop/web', 'Deployment', 'inferred']],
    ['legacy-report-6b9f7d5c48-zq5lp', ['shop/legacy-report', 'Deployment', 'inferred']],
    ['db-0', ['shop/db', 'StatefulSet', 'inferred']],
    ['meshd-9wz2m', ['shop/meshd', 'DaemonSet or Job', 'inferred']],
    ['report-29381760-x7f2m', ['shop/report', 'CronJob', 'inferred']],
    ['toolbox', undefined],
    // Vowels are in no random name.
    ['my-frontend', undefined],
  ])('%s', (name, expected) => {
    expect(made(name)).toEqual(expected);
  });

  test('what the Kubernetes API says comes first, and a ReplicaSet is a Deployment’s', () => {
    const owned = (owner: string) => ({
      cluster: {pods: {sweep: 1, at: '', uptime: 1, value: [{namespace: 'shop', name: 'web-1', owner}]}},
    });
    const found = (owner: string) =>
      workloadOf(owned(owner) as unknown as Graph, {namespace: 'shop', name: 'web-1'} as Pod);
    expect(found('ReplicaSet/web-7c5ddbdf54')).toMatchObject({
      key: 'shop/web',
      kind: 'Deployment',
      grade: 'proven',
    });
    expect(found('StatefulSet/web')).toMatchObject({key: 'shop/web', kind: 'StatefulSet', grade: 'proven'});
  });
});

describe('peers of a group', () => {
  test('of a service: who calls it, by whichever address', () => {
    const {of, peers: rows} = peersOf('service/shop/cart');
    expect([of.kind, of.grade, of.pods?.length]).toEqual(['service', 'proven', 2]);
    expect(rows.map(({words, direction}) => [words.replace(/-[^-]+$/, ''), direction])).toEqual([
      ['10.44.0.1', 'in'],
      ['shop/web-7c5ddbdf54', 'in'],
      ['shop/web-7c5ddbdf54', 'in'],
      ['kube-system/meshd', 'in'],
    ]);
    expect(new Set(rows.flatMap(row => row.services))).toEqual(new Set(['shop/cart:api']));
  });

  test('of a workload: of all its pods, but not of one another; that it is inferred is said', () => {
    const {of, peers: rows} = peersOf('workload/shop/web');
    expect([of.kind, of.grade, of.pods?.length]).toEqual(['workload', 'inferred', 2]);
    expect(of.why).toContain('NAME-HASH-RANDOM');
    expect(rows.some(row => row.words.startsWith('shop/web-'))).toBe(false);
    const cart = rows.find(row => row.words.startsWith('shop/cart-'))!;
    expect([cart.direction, cart.grade, cart.translated]).toEqual(['out', 'proven', true]);
  });

  test('of a namespace: nobody inside it', () => {
    const {of, peers: rows} = peersOf('namespace/shop');
    expect(of.pods?.every(pod => pod.startsWith('shop/'))).toBe(true);
    expect(rows.filter(row => row.words.startsWith('shop/'))).toEqual([]);
    expect(rows.length).toBeGreaterThan(2);
  });

  test('a name of several things is asked back', () => {
    expect(ask(graph, {name: 'peers', words: ['shop/cart']})).toMatchObject({
      missing: 'shop/cart is the name of a service and of a workload: say which.',
      suggestions: ['service/shop/cart', 'workload/shop/cart'],
    });
  });

  test('what only conntrack has is told apart from what sockets show', () => {
    const {peers: rows} = peersOf('workload/shop/web');
    const gone = rows.filter(row => Object.keys(row.gone).length > 0);
    expect(gone.length).toBeGreaterThan(0);
    expect(new Set(gone.flatMap(row => Object.keys(row.gone)))).toEqual(new Set(['TIME_WAIT']));
  });
});

test('a connection without a socket: what conntrack still has of it is said', () => {
  const [gone] = graph.nodes.flatMap(node => {
    const table = node.snapshot!.conntrack!.value;
    return Array.from({length: table.count}, (_, entry) => endsOf(table, entry)).filter(
      ({source, destination}) => source.startsWith('10.244.0.') && destination.endsWith('.41.7:80'),
    );
  });
  const found = ask(graph, {name: 'connection', words: [`${gone!.source}-${gone!.destination}`]});
  expect(found).toMatchObject({
    missing: expect.stringContaining(
      `But conntrack of cp-1 has ${gone!.source} → ${gone!.destination}, which becomes ${gone!.newSource} → ${gone!.newDestination}, in state TIME_WAIT`,
    ),
  });
});

test('addresses outside are grouped by prefix; one of a prefix is itself', () => {
  const eth = {links: [{ifindex: 2, name: 'eth0'}], addresses: ['eth0 10.0.0.1/24']};
  const to = (remote: string, port: number) => ({netns: '1', local: `10.0.0.1:${port}`, remote});
  const world = graphOf({
    a: {
      host: '1',
      netns: {'1': eth},
      sockets: [to('203.0.113.1:443', 1), to('203.0.113.2:443', 2), to('198.51.100.1:443', 3)],
    },
  });
  const {peers: rows} = peers.ask(world, ['a']) as PeersAnswer;
  expect(rows.map(({words, addresses, connections}) => [words, addresses.length, connections])).toEqual([
    ['203.0.113.0/24', 2, 2],
    ['198.51.100.1', 1, 1],
  ]);
});

test('--reverse names addresses outside only, and goes on without an answer', async () => {
  const asked: string[] = [];
  const answer = await withNames(peersOf('workload/shop/web'), async address => {
    asked.push(address);
    if (address === '10.44.0.1') return ['gateway.example'];
    throw new Error('no such name');
  });
  const rows = (answer as PeersAnswer).peers;
  expect(rows.filter(row => row.names).map(row => [row.words, row.names])).toEqual([
    ['10.44.0.1', ['gateway.example']],
  ]);
  expect(asked.sort()).toEqual(['10.44.0.1', '198.51.100.10']);
});

describe('who stalls, by what `ss -i` says', () => {
  const side = (more: Partial<SocketRow>, line?: string) => ({
    socket: {
      state: 'ESTAB',
      recvQ: 0,
      sendQ: 0,
      retrans: 0,
      node: 'n1',
      program: 'app',
      other: {},
      ...more,
    } as SocketRow,
    tcp: line === undefined ? undefined : tcpInfoOf(line),
  });
  /** A sender whose reader is slow, in the lab (iproute2 6.1.0). */
  const SHUT =
    'ESTAB 0 649430 10.244.1.4:49712 10.244.2.3:9000 timer:(persist,960ms,0) ino:4488799 sk:13ddf <-> ts sack bbr wscale:7,10 rto:244 backoff:2 rtt:41.842/4.806 mss:1398 cwnd:30 ssthresh:140 lastsnd:820 lastrcv:2310156 lastack:16 busy:2310156ms rwnd_limited:2281216ms(98.7%) retrans:0/5 notsent:649430 minrtt:0.05';

  test('the line is understood', () => {
    expect(tcpInfoOf(SHUT)).toEqual({
      cwnd: 30,
      ssthresh: 140,
      mss: 1398,
      retransmitting: 0,
      backoff: 2,
      rto: 244,
      notSent: 649430,
      lastSend: 820,
      lastReceive: 2310156,
      lastAck: 16,
      windowLimited: 0.987,
      minRtt: 0.05,
      timer: 'persist',
      appLimited: false,
    });
    const real = new TextDecoder().decode(fixture('ss/atlas-pod.txt'));
    expect(tcpInfoOf(real.split('\n').slice(4, 6).join(' '))).toMatchObject({
      cwnd: 10,
      sendWindow: 64308,
      appLimited: true,
    });
  });

  test('a closed window is the other end’s, though its process has just read', () => {
    const {who, sentence} = stallOf(side({sendQ: 649430}, SHUT), side({node: 'n2'}));
    expect(who).toBe('other');
    expect(sentence).toBe(
      '649430 bytes of app on n1 wait: the other end’s window is closed (zero window, probed 2 times), though nothing of it is unread there now: it has just read, or reads in small pieces.',
    );
  });

  test('what is sent again and again is lost one way', () => {
    const {who, sentence} = stallOf(
      side(
        {sendQ: 500, retrans: 6},
        'timer:(on,3sec,4) rto:6400 backoff:4 cwnd:1 unacked:3 retrans:1/6 lost:3',
      ),
      side({node: 'n2'}),
    );
    expect(who).toBe('between');
    expect(sentence).toContain(
      'are being sent again, the timer doubled 4 times to 6400 ms: packets from this end to the other',
    );
  });

  test('retransmissions by one end alone are said to be one way', () => {
    expect(stallOf(side({retrans: 6}), side({node: 'n2'})).sentence).toBe(
      'Nothing waits at either end; 6 retransmissions so far, all by app on n1: packets were lost one way.',
    );
  });
});
