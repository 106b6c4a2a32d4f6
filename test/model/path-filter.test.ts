import {describe, expect, test} from 'vitest';
import {parseIptables} from '../../source/facts/netfilter/iptables.ts';
import type {Netfilter} from '../../source/facts/netfilter/ruleset.ts';
import type {Graph} from '../../source/model/graph.ts';
import {undoing} from '../../source/model/path/answer.ts';
import {byRules} from '../../source/model/path/hooks.ts';
import type {Way} from '../../source/model/path/hop.ts';
import {packetTo} from '../../source/model/path/packet.ts';
import {gradeOf, walk} from '../../source/model/path/walk.ts';
import {bytes, captured} from '../facts/samples.ts';
import {graphOf, type NetnsSpec} from './world.ts';

const lo = {ifindex: 1, name: 'lo', state: 'UNKNOWN', mtu: 65536, kind: 'loopback'};
const MAC = (n: number) => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`;
const main = [
  {priority: 0, table: 'local'},
  {priority: 32766, table: 'main'},
];

/** `*filter` with these lines; `:FORWARD` and the like say the policies. */
function filter(...lines: readonly string[]): Netfilter {
  const table = lines.some(line => line.startsWith('*')) ? [] : ['*filter'];
  const text = [...table, ...lines, 'COMMIT', ''].join('\n');
  const {ruleset, problems} = parseIptables(bytes(text), 4);
  expect(problems).toEqual([]);
  return {rulesets: [ruleset], servers: [], bpf: []};
}

/** A node with two pods that it routes between: 10.0.0.5 behind veth5 and 10.0.0.6 behind veth6. */
function routed(netfilter: Netfilter, more: Partial<NetnsSpec> = {}): Graph {
  const pod = (n: number): NetnsSpec => ({
    connected: true,
    links: [lo, {ifindex: 2, name: 'eth0', kind: 'veth', peerIndex: n, peerNsid: 0, mac: MAC(0x40 + n)}],
    addresses: ['lo 127.0.0.1/8', `eth0 10.0.0.${n}/32`],
    routes: ['0.0.0.0/0 via 169.254.1.1 dev eth0 onlink'],
    rules: main,
    neighbours: [`eth0 169.254.1.1 ${MAC(n)}`],
    nsids: {0: '100'},
  });
  return graphOf({
    n: {
      host: '100',
      netns: {
        100: {
          connected: true,
          links: [
            lo,
            {ifindex: 5, name: 'veth5', kind: 'veth', peerIndex: 2, peerNsid: 5, mac: MAC(5)},
            {ifindex: 6, name: 'veth6', kind: 'veth', peerIndex: 2, peerNsid: 6, mac: MAC(6)},
          ],
          addresses: ['lo 127.0.0.1/8', 'lo 10.0.0.1/32'],
          routes: ['10.0.0.5/32 dev veth5', '10.0.0.6/32 dev veth6'],
          rules: main,
          neighbours: [`veth5 10.0.0.5 ${MAC(0x45)}`, `veth6 10.0.0.6 ${MAC(0x46)}`],
          sysctls: ['net.ipv4.ip_forward 1'],
          nsids: {5: '105', 6: '106'},
          netfilter,
          ...more,
        },
        105: pod(5),
        106: pod(6),
      },
      paths: {'/run/netns/cni-5': '105', '/run/netns/cni-6': '106'},
    },
  });
}

function wayFrom(graph: Graph, netns: string, destination: string, port = 80): Way {
  const namespace = graph.nodes[0]!.byInode.get(netns)!;
  return walk(graph, {namespace, packet: packetTo(destination, 'tcp', port)}, byRules).ways[0]!;
}

const told = (way: Way) => `${way.outcome} ${gradeOf(way)}: ${way.hops.at(-1)!.say}`;
const clues = (way: Way) => way.hops.flatMap(hop => hop.clues);

describe('filters on the way', () => {
  const open = [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];
  const pass = 'delivered proven: delivered in n';
  const dropped = (why: string) => `broken inferred: dropped by its rules (FORWARD): ${why}`;
  test.each<readonly [string, readonly string[], string]>([
    ['none that hold', ['-A FORWARD -d 10.0.0.7/32 -j DROP'], pass],
    [
      'one that drops it',
      ['-A FORWARD -d 10.0.0.6/32 -m comment --comment "deny b" -j DROP'],
      dropped('rule “deny b” of FORWARD drops it'),
    ],
    [
      'one that rejects it, in a chain of its own',
      [':OWN - [0:0]', '-A FORWARD -j OWN', '-A OWN -p tcp -m tcp --dport 80 -j REJECT'],
      'broken inferred: rejected by its rules (FORWARD): rule “reject” of OWN rejects it',
    ],
    ['one that accepts it first', ['-A FORWARD -i veth5 -o veth6 -j ACCEPT', '-A FORWARD -j DROP'], pass],
    ['of another hook', ['-A INPUT -j DROP', '-A OUTPUT -j DROP'], pass],
    ['of packets that are no first ones', ['-A FORWARD -m conntrack --ctstate INVALID -j DROP'], pass],
    [
      'a policy',
      [':FORWARD DROP [0:0]', '-A FORWARD -s 10.0.0.9/32 -j ACCEPT'],
      dropped('no rule of filter FORWARD lets it pass, and its policy is drop'),
    ],
    [
      'a policy behind a rule that holds',
      [':FORWARD DROP [0:0]', '-A FORWARD -s 10.0.0.5/32 -j ACCEPT'],
      pass,
    ],
    [
      'one that may drop it',
      ['-A FORWARD -m geoip --source-country XX -j DROP'],
      'delivered inferred: delivered in n',
    ],
    ['one that may let it through, where it passes anyway', ['-A FORWARD -m geoip --x Y -j ACCEPT'], pass],
    [
      'one that may let it through, where it is dropped otherwise',
      ['-A FORWARD -m geoip --x Y -j ACCEPT', '-A FORWARD -j DROP'],
      'unknown unknown: what its rules (FORWARD) do with it is not worked out: rule “drop” of FORWARD drops it, unless it is let through before: rule “accept” of filter FORWARD asks what is not understood: -m geoip --x Y',
    ],
    [
      'a mark that a filter gave is asked for',
      ['-A FORWARD -j MARK --set-xmark 0x1/0x1', '-A FORWARD -m mark --mark 0x1/0x1 -j DROP'],
      dropped('rule “drop” of FORWARD drops it'),
    ],
    [
      'before routing, too',
      ['*raw', ':PREROUTING ACCEPT [0:0]', '-A PREROUTING -s 10.0.0.5/32 -j DROP'],
      'broken inferred: dropped by its rules (PREROUTING): rule “drop” of PREROUTING drops it',
    ],
  ])('%s', (_, lines, expected) => {
    const table = lines[0]!.startsWith('*') ? lines : [...open, ...lines];
    expect(told(wayFrom(routed(filter(...table)), '105', '10.0.0.6'))).toBe(expected);
  });

  test('what drops it is evidence; what may drop it is a clue', () => {
    const rule = '-A FORWARD -d 10.0.0.6/32 -j DROP';
    const way = wayFrom(routed(filter(...open, rule)), '105', '10.0.0.6');
    const from = ['*filter', ...open, ''].join('\n').length;
    expect(way.hops.at(-1)!.clues.at(-1)).toMatchObject({
      text: 'filter FORWARD: drop',
      evidence: [{node: 'n', fact: 'netfilter', from, to: from + rule.length}],
    });
    const maybe = wayFrom(routed(filter(...open, '-A FORWARD -m geoip --x Y -j DROP')), '105', '10.0.0.6');
    expect(clues(maybe).map(({text}) => text)).toContain(
      'may not pass: rule “drop” of filter FORWARD asks what is not understood: -m geoip --x Y',
    );
  });

  test('a node’s own processes are asked by OUTPUT, and reached by way of INPUT', () => {
    const closed = filter(
      ...open,
      '-A INPUT -p tcp -m tcp --dport 80 -j DROP',
      '-A OUTPUT -d 10.0.0.6/32 -j REJECT',
    );
    expect(told(wayFrom(routed(closed), '105', '10.0.0.1'))).toMatch(
      /^broken inferred: dropped by its rules \(INPUT\)/,
    );
    expect(told(wayFrom(routed(closed), '100', '10.0.0.6'))).toMatch(
      /^broken inferred: rejected by its rules \(OUTPUT\)/,
    );
    expect(told(wayFrom(routed(closed), '105', '10.0.0.1', 81))).toBe(pass);
  });

  test('an answer is of an established connection', () => {
    const back = (...lines: readonly string[]) => {
      const graph = routed(filter(...open, ...lines));
      const namespace = graph.nodes[0]!.byInode.get('106')!;
      const packet = {...packetTo('10.0.0.5', 'tcp', 40000), source: '10.0.0.6', sourcePort: 80};
      return told(walk(graph, {namespace, packet}, undoing([])).ways[0]!);
    };
    const known = '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT';
    expect(back(known, '-A FORWARD -j DROP')).toBe(pass);
    expect(back('-A FORWARD -m conntrack --ctstate NEW -j DROP')).toBe(pass);
    expect(back('-A FORWARD -s 10.0.0.6/32 -j DROP')).toBe(dropped('rule “drop” of FORWARD drops it'));
    expect(back('-A FORWARD -m conntrack --ctstate SOMETHING -j DROP')).toBe(
      'delivered inferred: delivered in n',
    );
  });

  test('what was translated is so in the filter behind it', () => {
    const nat = filter(
      '*nat',
      ':PREROUTING ACCEPT [0:0]',
      '-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 10.0.0.6',
    );
    const only = filter(':FORWARD DROP [0:0]', '-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT');
    const graph = routed({...nat, rulesets: [...nat.rulesets, ...only.rulesets]});
    expect(told(wayFrom(graph, '105', '10.9.9.9'))).toBe(pass);
    expect(told(wayFrom(graph, '105', '10.0.0.6'))).toMatch(/^broken/);
  });

  test('the filters of a real kube-proxy let pods call each other, and are all understood', () => {
    const {ruleset} = parseIptables(captured('three-node/atlas/iptables-save.txt'), 4);
    expect(
      ruleset.chains.some(
        ({base, rules}) => base?.type === 'filter' && base.hook === 'FORWARD' && rules.length > 0,
      ),
    ).toBe(true);
    const graph = routed({rulesets: [ruleset], servers: [], bpf: []});
    expect(told(wayFrom(graph, '105', '10.0.0.6'))).toBe(pass);
  });
});

describe('the reverse path check', () => {
  test('asks with the address that was called: a node with a table for each of its own addresses is no fault', () => {
    const graph = routed(filter(':FORWARD ACCEPT [0:0]'), {
      sysctls: ['net.ipv4.ip_forward 1', 'net.ipv4.conf.all.rp_filter 1'],
      routes: ['10.0.0.5/32 dev veth6', '10.0.0.6/32 dev veth6', '10.0.0.5/32 dev veth5 table 7'],
      rules: [...main, {priority: 100, src: '10.0.0.1/32', table: '7'}],
    });
    expect(told(wayFrom(graph, '105', '10.0.0.1'))).toBe('delivered proven: delivered in n');
    expect(told(wayFrom(graph, '105', '10.0.0.6'))).toMatch(
      /^broken .*the way back to 10.0.0.5 leaves by veth6/,
    );
  });
});

describe('what decides beside the tables', () => {
  const free = [':FORWARD ACCEPT [0:0]'];
  test('a virtual server of IPVS: who gets it is not followed, and the backends are named', () => {
    const server = {
      ...{from: 3, to: 9, protocol: 'tcp' as const, address: '10.96.0.7', port: 80, scheduler: 'rr'},
      persistent: false,
      backends: [
        {
          ...{from: 10, to: 19, address: '10.0.0.6', port: 8080},
          forward: 'Masq',
          weight: 1,
          active: 0,
          inactive: 0,
        },
      ],
    };
    const more = {addresses: ['lo 127.0.0.1/8', 'lo 10.0.0.1/32', 'lo 10.96.0.7/32']};
    const graph = routed({...filter(...free), servers: [server]}, more);
    for (const netns of ['105', '100']) {
      const way = wayFrom(graph, netns, '10.96.0.7');
      expect(told(way)).toMatch(
        /^unknown unknown: .*: IPVS \(rr\) gives it to one of 10\.0\.0\.6:8080 \(Masq, weight 1\), which is not followed$/,
      );
      expect(
        way.hops
          .at(-1)!
          .clues.at(-1)!
          .evidence.map(({from, to}) => [from, to]),
      ).toEqual([
        [3, 9],
        [10, 19],
      ]);
    }
    expect(told(wayFrom(graph, '105', '10.96.0.7', 81))).toBe('delivered proven: delivered in n');
    const empty = routed({...filter(...free), servers: [{...server, backends: []}]}, more);
    expect(told(wayFrom(empty, '105', '10.96.0.7'))).toMatch(/^broken .*IPVS has no backend for it$/);
  });

  test('maps of services: every hop of the node is inferred, and an address that nobody has may be a service', () => {
    const maps = {...filter(...free), bpf: ['cilium_lb4_services_v2']};
    const way = wayFrom(routed(maps), '105', '10.0.0.6');
    expect(told(way)).toBe('delivered inferred: delivered in n');
    expect(clues(way).filter(({text}) => text.includes('cilium_lb4_services_v2'))).toHaveLength(1);
    const links = [
      ...routed(maps).nodes[0]!.host!.facts!.links!.value,
      {ifindex: 9, name: 'eth0', mac: MAC(9)},
    ];
    const out = {
      links,
      addresses: ['lo 127.0.0.1/8', 'eth0 192.168.0.1/24'],
      routes: ['0.0.0.0/0 via 192.168.0.254 dev eth0', '10.0.0.5/32 dev veth5'],
    };
    expect(wayFrom(routed(filter(...free), out), '105', '10.96.0.7').outcome).toBe('left');
    const away = wayFrom(routed(maps, out), '105', '10.96.0.7');
    expect(told(away)).toMatch(/^unknown unknown: .*if 10\.96\.0\.7 is a service, BPF on n translates it/);
    expect(away.hops.at(-1)!.reveal).toContain('bpftool map dump');
  });

  test('a proxy in a pod: rules of its own, which are not read, may redirect to it', () => {
    const graph = routed(filter(...free));
    const pod = graph.nodes[0]!.byInode.get('106')!;
    const proxy = {process: {name: 'envoy'}};
    Object.assign(pod, {pods: [{key: 'shop/b', processes: [proxy]}]});
    const way = wayFrom(graph, '105', '10.0.0.6');
    expect(told(way)).toBe('delivered inferred: delivered in n');
    expect(clues(way).map(({text}) => text)).toContain(
      'envoy runs in it: rules of its own, which were not read, may redirect to that',
    );
  });

  test('an XDP program on an interface', () => {
    const links = routed(filter(...free)).nodes[0]!.host!.facts!.links!.value.map(link =>
      link.name === 'veth6' ? {...link, xdp: true as const} : link,
    );
    const way = wayFrom(routed(filter(...free), {links}), '105', '10.0.0.6');
    expect(told(way)).toBe('delivered inferred: delivered in n');
    expect(clues(way).map(({text}) => text)).toContain('veth6 has an XDP program, which may decide first');
  });

  test('without a route the kernel refuses before a rule could translate', () => {
    const nat = filter(
      '*nat',
      ':OUTPUT ACCEPT [0:0]',
      '-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 10.0.0.6',
    );
    expect(told(wayFrom(routed(nat), '100', '10.9.9.9'))).toBe('broken proven: no route to 10.9.9.9');
    const way = wayFrom(
      routed(nat, {routes: ['10.0.0.6/32 dev veth6', '10.9.0.0/16 dev veth5']}),
      '100',
      '10.9.9.9',
    );
    expect(way.outcome).toBe('delivered');
  });

  test('a rule that only a mark would make hold is a clue, and a doubt where marks are not known', () => {
    const rules = [...main, {priority: 9, fwmark: '0x5', table: '7'}];
    const way = wayFrom(routed(filter(...free), {rules}), '105', '10.0.0.6');
    expect(told(way)).toBe('delivered proven: delivered in n');
    expect(clues(way).map(({text}) => text)).toContain(
      'rule 9: from all fwmark 0x5 lookup 7 would hold if the packet were marked so',
    );
  });
});

describe('which tunnel takes it', () => {
  const ends = {remote: '10.0.0.5', local: '10.0.0.1', external: false};
  const tunnel = (index: number, name: string, of: object, flags = ['UP', 'NOARP']) => ({
    ...{ifindex: index, name, kind: 'ipip', flags},
    tunnel: {external: false, ...of},
  });
  const taken = (...tunnels: readonly ReturnType<typeof tunnel>[]) => {
    const base = routed(filter(':FORWARD ACCEPT [0:0]'));
    const own = base.nodes[0]!.byInode.get('105')!.facts!.links!.value;
    const host = [...base.nodes[0]!.host!.facts!.links!.value, ...tunnels];
    const pod = [...own, tunnel(9, 'tun', {remote: '10.0.0.1', local: '10.0.0.5'})];
    const graph = graphOf({
      n: {
        host: '100',
        netns: {
          100: {
            connected: true,
            links: host,
            addresses: ['lo 10.0.0.1/32', 'lo 10.7.0.1/32'],
            routes: ['10.0.0.5/32 dev veth5'],
            rules: main,
            neighbours: [`veth5 10.0.0.5 ${MAC(0x45)}`],
            nsids: {5: '105'},
          },
          105: {
            connected: true,
            links: pod,
            addresses: ['eth0 10.0.0.5/32'],
            routes: ['0.0.0.0/0 via 169.254.1.1 dev eth0 onlink', '10.7.0.0/16 dev tun'],
            rules: main,
            neighbours: [`eth0 169.254.1.1 ${MAC(5)}`],
            nsids: {0: '100'},
          },
        },
        paths: {'/run/netns/cni-5': '105'},
      },
    });
    const way = wayFrom(graph, '105', '10.7.0.1');
    const hop = way.hops.find(({say}) => say.startsWith('unwrapped') || say.includes('is down'));
    return hop ? `${way.outcome} ${hop.iface!.link.name}` : told(way);
  };
  test('both ends before one, before any, before the fallback, which must be up', () => {
    const any = tunnel(20, 'tunl0', {});
    const own = tunnel(21, 'own', {local: '10.0.0.1'});
    const other = tunnel(22, 'other', {remote: '10.0.0.5'});
    const both = tunnel(23, 'both', ends);
    expect(taken(any, own, other, both)).toBe('delivered both');
    expect(taken(any, own, other)).toBe('delivered other');
    expect(taken(any, own)).toBe('delivered own');
    expect(taken(any)).toBe('delivered tunl0');
    expect(taken(tunnel(20, 'tunl0', {}, ['NOARP']))).toBe('broken tunl0');
    expect(taken(tunnel(24, 'x', {}), tunnel(25, 'y', {}))).toMatch(
      /^unknown .*several devices on n may unwrap it: x, y$/,
    );
  });
});
