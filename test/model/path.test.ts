import {describe, expect, test} from 'vitest';
import type {Graph} from '../../source/model/graph.ts';
import type {Way} from '../../source/model/path/hop.ts';
import {fitOf} from '../../source/model/path/mtu.ts';
import {packetTo} from '../../source/model/path/packet.ts';
import {walk} from '../../source/model/path/walk.ts';
import {labGraph} from '../questions/lab.ts';
import {graphOf, type NetnsSpec, type NodeSpec} from './world.ts';

const lo = {ifindex: 1, name: 'lo', state: 'UNKNOWN', mtu: 65536, kind: 'loopback'};
const MAC = (n: number) => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`;

/** A node whose pod 10.244.N.5 is on a bridge, and whose flannel.1 leads to the other node, as flannel makes it. */
function overlay(n: number, host: Partial<NetnsSpec> = {}, pod: Partial<NetnsSpec> = {}): NodeSpec {
  const other = 3 - n;
  return {
    host: '100',
    netns: {
      100: {
        connected: true,
        links: [
          lo,
          {ifindex: 2, name: 'eth0', mac: MAC(n)},
          {ifindex: 3, name: 'cni0', kind: 'bridge', mtu: 1450, mac: MAC(0x10 + n)},
          {
            ifindex: 4,
            name: 'flannel.1',
            kind: 'vxlan',
            mtu: 1450,
            mac: MAC(0x20 + n),
            vxlan: {
              id: 1,
              port: 8472,
              local: `192.168.0.${n}`,
              lower: 'eth0',
              learning: false,
              external: false,
            },
          },
          {
            ifindex: 7,
            name: 'veth7',
            kind: 'veth',
            master: 'cni0',
            peerIndex: 2,
            peerNsid: 0,
            mtu: 1450,
            mac: MAC(0x30 + n),
          },
        ],
        addresses: [
          'lo 127.0.0.1/8',
          `eth0 192.168.0.${n}/24`,
          `cni0 10.244.${n}.1/24`,
          `flannel.1 10.244.${n}.0/32`,
        ],
        routes: [`10.244.${other}.0/24 via 10.244.${other}.0 dev flannel.1 onlink`],
        neighbours: [
          `flannel.1 10.244.${other}.0 ${MAC(0x20 + other)}`,
          `eth0 192.168.0.${other} ${MAC(other)}`,
          `cni0 10.244.${n}.5 ${MAC(0x40 + n)}`,
        ],
        forwarding: [`flannel.1 ${MAC(0x20 + other)} 192.168.0.${other}`],
        sysctls: ['net.ipv4.ip_forward 1'],
        nsids: {0: '110'},
        ...host,
      },
      110: {
        connected: true,
        links: [
          lo,
          {ifindex: 2, name: 'eth0', kind: 'veth', peerIndex: 7, peerNsid: 0, mtu: 1450, mac: MAC(0x40 + n)},
        ],
        addresses: ['lo 127.0.0.1/8', `eth0 10.244.${n}.5/24`],
        routes: [`0.0.0.0/0 via 10.244.${n}.1 dev eth0`],
        neighbours: [`eth0 10.244.${n}.1 ${MAC(0x10 + n)}`],
        ...pod,
      },
    },
    paths: {[`/run/netns/cni-${n}`]: '110'},
  };
}

function ways(
  graph: Graph,
  destination: string,
  {
    node = 'a',
    netns = '110',
    source,
    port,
    protocol = 'tcp',
  }: {node?: string; netns?: string; source?: string; port?: number; protocol?: string} = {},
): readonly Way[] {
  const namespace = graph.nodes.find(({id}) => id === node)!.byInode.get(netns)!;
  return walk(graph, {
    namespace,
    packet: {...packetTo(destination, protocol, port), ...(source ? {source} : {})},
  }).ways;
}

/** `a/veth7` for each interface that is crossed, in order. */
function crossed({hops}: Way): string[] {
  return hops.flatMap(({way, iface}) =>
    iface && (way === 'out' || way === 'in')
      ? [`${iface.namespace.node.id}/${iface.namespace.inode === '100' ? '' : 'pod:'}${iface.link.name}`]
      : [],
  );
}

/** How it ends: the outcome, the place, and the sentence. */
function end(way: Way | undefined): string {
  const last = way?.hops.at(-1);
  return `${way?.outcome} ${last?.node?.id ?? '-'}/${last?.iface?.link.name ?? '-'}: ${last?.say}`;
}

describe('over a vxlan', () => {
  const graph = graphOf({a: overlay(1), b: overlay(2)});

  test('up to the node, through the tunnel, and down to the pod', () => {
    const [way] = ways(graph, '10.244.2.5');
    expect(crossed(way!)).toEqual([
      'a/pod:eth0',
      'a/veth7',
      'a/cni0',
      'a/flannel.1',
      'a/eth0',
      'b/eth0',
      'b/flannel.1',
      'b/cni0',
      'b/veth7',
      'b/pod:eth0',
    ]);
    expect(end(way)).toBe('delivered b/eth0: delivered in b');
    expect(way!.packet.source).toBe('10.244.1.5');
    expect(fitOf(way!)).toMatchObject({full: 1450, fits: true, narrowest: {room: 1450}});
  });

  test('each decision names its line', () => {
    const [way] = ways(graph, '10.244.2.5');
    const out = way!.hops.find(hop => hop.iface?.link.name === 'eth0' && hop.layers.length > 0)!;
    expect(out.clues.map(({by, text}) => `${by}: ${text}`)).toEqual([
      `fdb: ${MAC(0x22)} dev flannel.1 dst 192.168.0.2 self permanent`,
      'tunnel: flannel.1 vxlan id 1 local 192.168.0.1 dstport 8472',
      'rule: 32766: from all lookup main',
      'route: 192.168.0.0/24 dev eth0 src 192.168.0.1',
      'rule: its IPv4 policy rules were not read: taken as the kernel’s own',
      `neighbour: 192.168.0.2 dev eth0 lladdr ${MAC(2)} PERMANENT`,
    ]);
    expect(out.packet).toMatchObject({
      source: '192.168.0.1',
      destination: '192.168.0.2',
      protocol: 'udp',
      destinationPort: 8472,
    });
  });

  test.each([
    [
      'no forwarding entry',
      {forwarding: []},
      {},
      `broken a/flannel.1: flannel.1 has no forwarding entry for ${MAC(0x22)}, and no default one: dropped`,
    ],
    ['no route', {routes: []}, {}, 'broken a/cni0: no route to 10.244.2.5'],
    [
      'a blackhole',
      {routes: ['blackhole 10.244.2.0/24']},
      {},
      'broken a/cni0: 10.244.2.5 is dropped in silence by a route',
    ],
    [
      'it may not forward',
      {sysctls: ['net.ipv4.ip_forward 0']},
      {},
      'broken a/cni0: a does not forward what comes in by cni0 (net.ipv4.ip_forward = 0)',
    ],
    [
      'the neighbour entry is missing on the other node',
      {},
      {neighbours: []},
      'delivered b/eth0: delivered in b',
    ],
    [
      'another VNI on the other node',
      {},
      {
        links: [
          lo,
          {ifindex: 2, name: 'eth0', mac: MAC(2)},
          {
            ifindex: 4,
            name: 'flannel.1',
            kind: 'vxlan',
            mac: MAC(0x22),
            vxlan: {id: 2, port: 8472, learning: false, external: false},
          },
        ],
        addresses: ['eth0 192.168.0.2/24'],
      },
      'broken b/-: nothing on b unwraps vxlan with id 1 on port 8472 for 192.168.0.2',
    ],
    [
      'the tunnel has another MAC address',
      {
        neighbours: [`flannel.1 10.244.2.0 ${MAC(0x99)}`, `eth0 192.168.0.2 ${MAC(2)}`],
        forwarding: [`flannel.1 ${MAC(0x99)} 192.168.0.2`],
      },
      {},
      `broken b/flannel.1: the frame inside is for ${MAC(0x99)}, and flannel.1 has ${MAC(0x22)}: it is not taken`,
    ],
    [
      'the reverse path check',
      {},
      {
        sysctls: ['net.ipv4.ip_forward 1', 'net.ipv4.conf.all.rp_filter 1'],
        routes: ['10.244.1.0/24 via 192.168.0.1 dev eth0'],
      },
      'broken b/flannel.1: dropped: the way back to 10.244.1.5 leaves by eth0, not by flannel.1 (net.ipv4.conf.all.rp_filter = 1)',
    ],
  ] as const)('%s', (_, a, b, expected) => {
    const faulty = graphOf({a: overlay(1, a as Partial<NetnsSpec>), b: overlay(2, b as Partial<NetnsSpec>)});
    expect(end(ways(faulty, '10.244.2.5')[0])).toBe(expected);
  });

  test('a bridge that filters by VLAN is not followed', () => {
    const links = overlay(2).netns!['100']!.links!.map(link =>
      link.name === 'cni0' ? {...link, vlanFiltering: true as const} : link,
    );
    const [way] = ways(graphOf({a: overlay(1), b: overlay(2, {links})}), '10.244.2.5');
    expect(end(way)).toMatch(/^unknown b\/cni0: cni0 filters by VLAN/);
    expect(way!.hops.at(-1)!.reveal).toBe('Run on b: bridge vlan show.');
  });

  test('the room that is left is named: a pod with the MTU of the wire does not fit into the tunnel', () => {
    const links = [
      lo,
      {ifindex: 2, name: 'eth0', kind: 'veth', peerIndex: 7, peerNsid: 0, mtu: 1500, mac: MAC(0x41)},
    ];
    const [way] = ways(graphOf({a: overlay(1, {}, {links}), b: overlay(2)}), '10.244.2.5');
    const fit = fitOf(way!)!;
    expect([fit.full, fit.fits, fit.narrowest?.room, fit.narrowest?.hop.iface?.link.name]).toEqual([
      1500,
      false,
      1450,
      'veth7',
    ]);
  });

  test('a wire of 1400 leaves 1350', () => {
    const wire = {ifindex: 2, name: 'eth0', mac: MAC(1), mtu: 1400};
    const own = overlay(1).netns!['100']!.links!.map(link => (link.name === 'eth0' ? wire : link));
    const [way] = ways(graphOf({a: overlay(1, {links: own}), b: overlay(2)}), '10.244.2.5');
    expect(fitOf(way!)).toMatchObject({full: 1450, fits: false, narrowest: {room: 1350}});
  });
});

describe('policy rules', () => {
  const links = [lo, {ifindex: 2, name: 'a'}, {ifindex: 3, name: 'b'}, {ifindex: 4, name: 'c'}];
  const routes = [
    '10.9.0.0/16 dev a',
    '0.0.0.0/0 dev a',
    '10.9.0.0/16 dev b table 7',
    '0.0.0.0/0 dev c table 8',
    'throw 10.9.0.0/16 table 9',
  ];
  const main = [
    {priority: 0, table: 'local'},
    {priority: 32766, table: 'main'},
  ];
  const by = (rules: NonNullable<NetnsSpec['rules']>, more: Parameters<typeof ways>[2] = {}) => {
    const graph = graphOf({
      n: {
        host: '100',
        netns: {
          100: {
            links,
            connected: true,
            addresses: ['a 10.0.0.1/24', 'b 10.1.0.1/24', 'c 10.2.0.1/24'],
            routes,
            rules: [...main, ...rules],
            sysctls: ['net.ipv4.ip_forward 1'],
          },
        },
      },
    });
    const [way] = ways(graph, '10.9.9.9', {node: 'n', netns: '100', ...more});
    const out = way?.hops.find(hop => hop.way === 'out');
    return out ? out.iface!.link.name : end(way);
  };
  test.each([
    ['main as it is', [], {}, 'a'],
    ['another table first', [{priority: 5, table: '7'}], {}, 'b'],
    ['from this source', [{priority: 5, src: '10.1.0.0/16', table: '7'}], {source: '10.1.0.1'}, 'b'],
    [
      'not from this source',
      [{priority: 5, src: '10.1.0.0/16', not: true, table: '7'}],
      {source: '10.1.0.1'},
      'a',
    ],
    ['to this destination', [{priority: 5, dst: '10.9.0.0/16', table: '7'}], {}, 'b'],
    ['of this device: only what came in by it', [{priority: 5, iif: 'c', table: '7'}], {}, 'a'],
    ['of its own processes', [{priority: 5, iif: 'lo', table: '7'}], {}, 'b'],
    ['by mark, which it has not', [{priority: 5, fwmark: '0x1/0x1', table: '7'}], {}, 'a'],
    ['by protocol', [{priority: 5, ipproto: 'udp', table: '7'}], {protocol: 'udp'}, 'b'],
    ['by port', [{priority: 5, dport: [50, 60], table: '7'}], {port: 53}, 'b'],
    ['by another port', [{priority: 5, dport: [50, 60], table: '7'}], {port: 80}, 'a'],
    ['by a port that is not known', [{priority: 5, dport: [50, 60], table: '7'}], {}, 'a'],
    ['a table without an answer', [{priority: 5, table: '6'}], {}, 'a'],
    ['a table that throws it on', [{priority: 5, table: '9'}], {}, 'a'],
    ['what is suppressed counts not', [{priority: 5, table: '8', suppressPrefix: 0}], {}, 'a'],
    [
      'goto',
      [
        {priority: 5, action: 'goto', target: 20},
        {priority: 10, table: '7'},
        {priority: 20, table: '8'},
      ],
      {},
      'c',
    ],
    [
      'prohibit',
      [{priority: 5, action: 'prohibit'}],
      {},
      'broken n/-: 10.9.9.9 is refused (prohibit) by a rule',
    ],
  ] as const)('%s', (_, rules, more, expected) => {
    const found = by(rules as NonNullable<NetnsSpec['rules']>, more);
    if (_ === 'by a port that is not known')
      expect(found).toMatch(
        /^unknown n\/-: whether rule 5: from all dport 50-60 lookup 7 holds is not known/,
      );
    else expect(found).toBe(expected);
  });
});

describe('routes', () => {
  const links = [lo, {ifindex: 2, name: 'a'}, {ifindex: 3, name: 'b'}];
  const to = (routes: readonly string[]) => {
    const graph = graphOf({
      n: {
        host: '100',
        netns: {100: {links, connected: true, addresses: ['a 10.0.0.1/24', 'b 10.1.0.1/24'], routes}},
      },
    });
    return ways(graph, '10.9.9.9', {node: 'n', netns: '100'}).map(
      way => `${crossed(way).join()} ${way.share}`,
    );
  };
  test('the longest prefix, then the lowest metric, and no dead next hop', () => {
    expect(to(['10.9.0.0/16 dev a', '10.9.9.0/24 dev b'])).toEqual(['n/b 1']);
    expect(to(['10.9.0.0/16 dev a metric 20', '10.9.0.0/16 dev b metric 10'])).toEqual(['n/b 1']);
    expect(to(['10.9.0.0/16 via 10.0.0.9 dev a dead', '0.0.0.0/0 dev b'])).toEqual(['n/b 1']);
  });
  test('several next hops are branches, by weight', () => {
    expect(
      to(['10.9.0.0/16 nexthop via 10.0.0.9 dev a weight 1 nexthop via 10.1.0.9 dev b weight 3']),
    ).toEqual(['n/b 0.75', 'n/a 0.25']);
  });
});

describe('what cannot be told says so', () => {
  const one = (spec: Partial<NetnsSpec>) => {
    const graph = graphOf({n: {host: '100', netns: {100: {connected: true, links: [lo], ...spec}}}});
    return ways(graph, '10.9.9.9', {node: 'n', netns: '100'})[0]!;
  };
  test.each([
    [
      'wireguard',
      'unknown n/d: d chooses the peer by its allowed addresses, which only wg shows',
      'Run on n: wg show d allowed-ips.',
    ],
    ['tun', 'unknown n/d: d hands its packets to a process (tun)', 'Find on n who holds /dev/net/tun.'],
    ['dummy', 'broken n/d: d is a dummy: it drops what it is given', undefined],
  ])('%s', (kind, expected, reveal) => {
    const way = one({
      links: [lo, {ifindex: 2, name: 'd', kind, flags: ['UP', 'NOARP']}],
      addresses: ['d 10.0.0.1/24'],
      routes: ['10.9.0.0/16 dev d'],
    });
    expect(end(way)).toBe(expected);
    expect(way.hops.at(-1)!.reveal).toBe(reveal);
  });
  test('a failed neighbour', () => {
    const graph = graphOf({
      n: {
        host: '100',
        netns: {
          100: {
            connected: true,
            links: [lo, {ifindex: 2, name: 'a', mac: MAC(1)}],
            addresses: ['a 10.0.0.1/24'],
          },
        },
      },
    });
    const facts = graph.nodes[0]!.host!.facts!;
    const failed = {
      ...facts,
      neighbours: {
        ...facts.neighbours!,
        value: [{from: 0, to: 1, dst: '10.0.0.7', dev: 'a', state: ['FAILED'], router: false, proxy: false}],
      },
    };
    Object.assign(graph.nodes[0]!.host!, {facts: failed});
    const [way] = ways(graph, '10.0.0.7', {node: 'n', netns: '100'});
    expect(way!.hops.at(-1)!.grade).toBe('inferred');
    expect(end(way)).toBe(
      'broken n/a: the neighbour 10.0.0.7 on a is FAILED: nobody answered when it was last asked for',
    );
  });
  test('a failed neighbour that is there by now is asked again', () => {
    const graph = graphOf({a: overlay(1), b: overlay(2)});
    const pod = graph.nodes[0]!.byInode.get('110')!;
    const neighbours = pod.facts!.neighbours!;
    const value = neighbours.value.map(({mac: _, ...one}) => ({...one, state: ['FAILED']}));
    Object.assign(pod, {facts: {...pod.facts, neighbours: {...neighbours, value}}});
    const [way] = ways(graph, '10.244.2.5');
    expect(way!.outcome).toBe('delivered');
    expect(way!.hops[0]).toMatchObject({grade: 'inferred'});
    expect(way!.hops[0]!.say).toContain(
      'is FAILED: nobody answered when it was last asked for, but cni0 has it now',
    );
  });
  test('by way of a router that was not read, into whichever interface leads to one', () => {
    const side = (n: number, other: number): NodeSpec => ({
      host: '100',
      netns: {
        100: {
          connected: true,
          links: [lo, {ifindex: 2, name: 'a'}, {ifindex: 3, name: 'b'}],
          addresses: [`lo 10.0.0.${n}/32`, `a 10.1.${n}.1/30`, `b 10.2.${n}.1/30`],
          routes: [
            `10.0.0.${other}/32 nexthop via 10.1.${n}.2 dev a weight 1 nexthop via 10.2.${n}.2 dev b weight 1`,
          ],
        },
      },
    });
    const found = ways(graphOf({x: side(1, 2), y: side(2, 1)}), '10.0.0.2', {node: 'x', netns: '100'});
    expect(found.map(way => `${crossed(way).join(' ')} ${way.outcome}`).sort()).toEqual([
      'x/a y/a delivered',
      'x/a y/b delivered',
      'x/b y/a delivered',
      'x/b y/b delivered',
    ]);
    expect(found[0]!.hops.map(({way, grade}) => `${way} ${grade}`)).toEqual([
      'out inferred',
      'fabric unknown',
      'in ambiguous',
      'end inferred',
    ]);
  });
  test('what leaves a node for a router though the node itself has the address is lost', () => {
    const spec = overlay(2);
    const {100: host, 110: pod} = spec.netns!;
    const links = host!.links!.map(link => (link.name === 'cni0' ? {...link, flags: []} : link));
    const own = {
      ...spec,
      netns: {
        100: {
          ...host!,
          connected: undefined as never,
          links,
          routes: ['local 192.168.0.2/32 dev eth0 table local', '0.0.0.0/0 via 192.168.0.254 dev eth0'],
        },
        110: pod!,
      },
    };
    const [way] = ways(graphOf({a: overlay(1), b: own}), '10.244.2.5');
    expect(end(way)).toBe('broken -/-: it leaves b for 192.168.0.254, though 10.244.2.5 is b on b itself');
  });
  test('a pod of another node by the default route, where routes lead to pods: its own route is gone', () => {
    const gone = (routes: readonly string[]) =>
      overlay(1, {routes: [...routes, '0.0.0.0/0 via 192.168.0.254 dev eth0'], neighbours: []});
    const [lost] = ways(graphOf({a: gone([]), b: overlay(2)}), '10.244.2.5');
    expect(end(lost)).toMatch(
      /^broken -\/-: no route of a is for 10\.244\.2\.5 \(b on b\), so its default route takes it, though pods elsewhere are reached by routes of their own: 192\.168\.0\.254 is on no node read$/,
    );
    expect(lost!.hops.at(-1)!.grade).toBe('inferred');
    // A fabric that knows the pods' addresses: no node has a route for those of another.
    const bare = (n: number) =>
      overlay(n, {routes: ['0.0.0.0/0 via 192.168.0.254 dev eth0'], neighbours: []});
    const [way] = ways(graphOf({a: bare(1), b: bare(2)}), '10.244.2.5');
    expect(way!.hops.some(({status}) => status === 'broken')).toBe(false);
  });
  test('a router that was not read', () => {
    const way = one({
      links: [lo, {ifindex: 2, name: 'a', mac: MAC(1)}],
      addresses: ['a 10.0.0.1/24'],
      routes: ['0.0.0.0/0 via 10.0.0.254 dev a'],
      neighbours: [`a 10.0.0.254 ${MAC(9)}`],
    });
    expect(end(way)).toBe(
      `left -/-: to 10.0.0.254 (${MAC(9)}), on the way to 10.9.9.9: neither is on a node read`,
    );
  });
  test('a link that is down, or has no carrier', () => {
    const down = (flags: readonly string[]) =>
      end(
        one({
          links: [lo, {ifindex: 2, name: 'a', flags}],
          addresses: ['a 10.0.0.1/24'],
          routes: ['10.9.0.0/16 dev a'],
        }),
      );
    expect(down([])).toBe('broken n/a: a is down');
    expect(down(['UP', 'NO-CARRIER'])).toMatch(/^broken n\/a: a has no carrier/);
  });
});

test('in the recorded lab every pod reaches every other, and each way is crossed in reverse by its answer', async () => {
  const graph = await labGraph();
  const pods = graph.pods.filter(pod => !pod.hostNetwork && pod.netns);
  const between = pods.flatMap(a => pods.filter(b => b !== a).map(b => [a, b] as const));
  const path = ([a, b]: (typeof between)[number]) =>
    walk(graph, {namespace: a.netns!, packet: packetTo(b.addresses[0]!, 'tcp')}).ways;
  for (const pair of between) {
    const [way, ...more] = path(pair);
    const [back] = path([pair[1], pair[0]]);
    expect(more).toEqual([]);
    expect(way!.outcome).toBe('delivered');
    expect(way!.target).toBe(pair[1].netns);
    const names = (one: Way) =>
      one.hops.flatMap(({way: how, iface}) => (iface && (how === 'out' || how === 'in') ? [iface] : []));
    expect(names(back!).reverse()).toEqual(names(way!));
  }
  expect(between.length).toBe(156);
});
