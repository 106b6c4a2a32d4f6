import * as v from 'valibot';
import {beforeAll, describe, expect, test} from 'vitest';
import type {Graph} from '../../source/model/graph.ts';
import {ask, definitionOf} from '../../source/questions/catalogue.ts';
import type {ConnectionAnswer} from '../../source/questions/connection.ts';
import {toJson} from '../../source/questions/json.ts';
import type {ServicesAnswer} from '../../source/questions/services.ts';
import {socketAt} from '../../source/questions/socket-rows.ts';
import type {SocketsAnswer} from '../../source/questions/sockets.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {graphFrom} from './lab.ts';

let graph: Graph;
beforeAll(async () => {
  graph = await graphFrom(new URL('../fixtures/lab-services.hop', import.meta.url).pathname);
});

function answer<A>(name: 'services' | 'connection' | 'sockets', ...words: string[]): A {
  const found = ask(graph, {name, words});
  if ('missing' in found) throw new Error(found.missing);
  return found as unknown as A;
}

describe('services of a recorded cluster', () => {
  test('each with its backends’ pods, shares and open connections, on evidence', () => {
    const {services, datapaths} = answer<ServicesAnswer>('services');
    expect(
      services.map(row =>
        [
          row.kind,
          row.name ?? '-',
          row.address ?? '*',
          `${row.protocol}/${row.port}`,
          row.empty ?? row.backends.length,
        ].join(' '),
      ),
    ).toMatchInlineSnapshot(`
      [
        "clusterIP data/collector:statsd 10.96.73.55 udp/8125 1",
        "clusterIP data/collector:syslog 10.96.73.55 tcp/5140 1",
        "clusterIP kube-system/resolver:dns 10.96.0.10 udp/53 1",
        "nodePort kube-system/resolver:dns * udp/30053 1",
        "clusterIP shop/cart:api 10.96.114.20 tcp/7070 2",
        "nodePort shop/cart:api * tcp/30070 2",
        "clusterIP shop/payments:api 10.96.188.3 tcp/8443 rejected",
        "clusterIP shop/web:http 10.96.41.7 tcp/80 2",
        "nodePort shop/web:http * tcp/30080 2",
        "hostPort - * tcp/5140 1",
        "hostPort - * udp/8125 1",
      ]
    `);
    const cart = services.find(row => row.name === 'shop/cart:api' && row.kind === 'clusterIP')!;
    expect(cart.backends.map(({pod, node, share}) => [pod, node, share])).toEqual([
      ['shop/cart-5f8d9c7b6c-m4t9z', 'worker-1', 0.5],
      ['shop/cart-5f8d9c7b6c-q7w2n', 'worker-2', 0.5],
    ]);
    expect(cart.live).toBe(6);
    expect(cart.differs).toBeUndefined();
    expect(cart.evidence.length).toBeGreaterThan(0);
    expect(datapaths.map(({ways}) => ways)).toEqual([['iptables'], ['iptables'], ['iptables']]);
    const checked = v.safeParse(definitionOf('services').schema, toJson(answer('services')));
    expect(checked.issues).toBeUndefined();
  });

  test('by name, namespace, address and node; what is not there is suggested', () => {
    const names = (word: string) =>
      new Set(answer<ServicesAnswer>('services', word).services.map(row => row.name));
    expect(names('shop/cart')).toEqual(new Set(['shop/cart:api']));
    expect(names('kube-system')).toEqual(new Set(['kube-system/resolver:dns']));
    expect(names('10.96.188.3')).toEqual(new Set(['shop/payments:api']));
    expect(names('worker-2').size).toBe(6);
    expect(ask(graph, {name: 'services', words: ['shop/card']})).toMatchObject({
      suggestions: ['shop/cart:api'],
    });
  });

  test('as a screen of one service', () => {
    expect(
      viewText(toView(ask(graph, {name: 'services', words: ['shop/payments']}) as ServicesAnswer)),
    ).toMatchInlineSnapshot(`
      "services shop/payments
      1 service on 1 address by iptables · without backends: shop/payments:api

      BACKENDS
      None of them has a backend: calls are refused or lost.

      SERVICES
      SERVICE            KIND       ADDRESS      PORT      BACKENDS  CONNS  DATAPATH  NODES  NOTE
      shop/payments:api  ClusterIP  10.96.188.3  tcp/8443         0      0  iptables  all    no backends: calls are rejected

      DATAPATHS
      NODE      DATAPATH  WHY
      cp-1      iptables  as its rules say
      worker-1  iptables  as its rules say
      worker-2  iptables  as its rules say
      "
    `);
  });

  test('without rules nothing is said of services but that they are not known', () => {
    const bare = (node: Graph['nodes'][number]) => {
      const {netfilter: _, ...facts} = node.host!.facts!;
      return {...node, host: {...node.host!, facts}};
    };
    const none = {...graph, nodes: graph.nodes.map(bare)};
    const text = viewText(toView(ask(none, {name: 'services', words: []}) as ServicesAnswer));
    expect(text).toContain('no rules were read: which services there are is not known');
    expect(text).not.toMatch(/0 services|None of them has a backend|No service is in/);
    const [first, ...others] = graph.nodes;
    const some = {...graph, nodes: [bare(first!), ...others]};
    const partly = viewText(toView(ask(some, {name: 'services', words: []}) as ServicesAnswer));
    expect(partly).toContain(' · rules not read: cp-1');
    expect(partly).toMatch(/^shop\/web:http +ClusterIP .* worker-1 worker-2/m);
  });

  test('of two families, each row says of which, and names are said once', () => {
    const found = answer<ServicesAnswer>('services', 'shop/cart');
    const six = found.services.map(row => ({
      ...row,
      family: 6 as const,
      ...(row.address === undefined ? {} : {address: 'fd00:96::7'}),
      differs: 'worker-1 does not have it.',
      backends: row.backends.map(backend => ({...backend, address: 'fd00:10::3'})),
    }));
    const view = toView({...found, services: [...found.services, ...six]} as ServicesAnswer);
    const text = viewText(view);
    expect(text).toContain(' · nodes differ: shop/cart:api\n');
    expect(text).toContain('[fd00:10::3]:7070');
    expect(text).toMatch(/NodePort +every node +tcp\/30070/);
    expect(text).toMatch(/NodePort +every node \(IPv6\) +tcp\/30070/);
    expect(text).toMatch(/ClusterIP 7070 IPv6/);
  });

  test('an empty name is no name', () => {
    expect(ask(graph, {name: 'services', words: ['']})).toMatchObject({
      missing: expect.stringMatching(/^services was given an empty word\. Usage: /),
    });
  });

  test('another set of backends on one node is said', () => {
    const [first, ...others] = graph.nodes;
    const netfilter = first!.host!.facts!.netfilter!;
    const without = {
      ...netfilter.value,
      rulesets: netfilter.value.rulesets.map(ruleset => ({
        ...ruleset,
        chains: ruleset.chains.map(chain => ({
          ...chain,
          rules: chain.rules.filter(
            rule => rule.verdict.do !== 'dnat' || rule.verdict.address !== '10.244.1.3',
          ),
        })),
      })),
    };
    const host = {
      ...first!.host!,
      facts: {...first!.host!.facts!, netfilter: {...netfilter, value: without}},
    };
    const changed = {...graph, nodes: [{...first!, host}, ...others]};
    const found = ask(changed, {name: 'services', words: ['shop/cart']}) as ServicesAnswer;
    expect(found.services[0]!.differs).toBe(
      'backends differ (cp-1: 10.244.2.3:7070; worker-1, worker-2: 10.244.1.3:7070 10.244.2.3:7070).',
    );
  });
});

describe('a connection through a service', () => {
  const through = () => {
    const {sockets} = answer<SocketsAnswer>('sockets');
    return Array.from({length: sockets.count}, (_, i) => socketAt(sockets, i));
  };

  test('shows the service and each translation, proven, from both ends', () => {
    const client = through().find(
      ({other, remote}) => other.join === 'tracked' && remote === '10.96.114.20',
    )!;
    const found = answer<ConnectionAnswer>(
      'connection',
      `${client.local}:${client.localPort}-${client.remote}:${client.remotePort}`,
    ).connection;
    expect([found.grade, found.service, found.halfSeen]).toEqual(['proven', 'shop/cart:api', undefined]);
    expect(found.translations).toHaveLength(1);
    expect(found.translations[0]).toMatchObject({
      changes: 'destination',
      source: `${client.local}:${client.localPort}`,
      destination: '10.96.114.20:7070',
      newDestination: `${client.other.local}:${client.other.localPort}`,
      state: 'ESTABLISHED',
      answered: true,
    });
    const back = answer<ConnectionAnswer>(
      'connection',
      `${client.other.local}:${client.other.localPort}-${client.local}:${client.localPort}`,
    ).connection;
    expect([back.grade, back.service]).toEqual(['proven', 'shop/cart:api']);
  });

  test('twice translated: a NodePort of another node', () => {
    const client = through().find(({other}) => other.join === 'tracked' && other.translations.length > 1)!;
    expect(client.other.grade).toBe('proven');
    expect(new Set(client.other.translations.map(({node}) => node)).size).toBe(2);
    expect(client.other.pod).toBeDefined();
  });
});
