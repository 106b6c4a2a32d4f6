import {describe, expect, test} from 'vitest';
import {FORWARDING} from '../../source/facts/forwarding.ts';
import {NETWORK, parseNetwork} from '../../source/facts/network.ts';
import {RULES6} from '../../source/facts/rules.ts';
import {bytes, emptySnapshot, fixture, reply, textAt} from './samples.ts';

const node = fixture('node/node-a.network.txt');
const {links, addresses, routes, neighbours, rules, problems} = parseNetwork(node);
const link = (name: string) => links!.find(row => row.name === name)!;
const routeTo = (dst: string, table = 'main') =>
  routes!.filter(row => row.dst === dst && row.table === table);

describe('a node as iproute2 6.1.0 shows it', () => {
  test('nothing of it is left over', () => {
    expect(problems).toEqual([]);
    expect([links!.length, rules!.length]).toEqual([5, 6]);
  });

  test('links: kind, master, peer and its namespace, vxlan', () => {
    expect(link('lo')).toMatchObject({kind: 'loopback', mtu: 65536});
    expect(link('lo')).not.toHaveProperty('mac');
    expect(link('veth0')).toMatchObject({
      kind: 'veth',
      master: 'cni0',
      peerIndex: 2,
      state: 'UP',
      alias: 'to the "pod"',
    });
    expect(link('veth0').peerNsid).toBeGreaterThanOrEqual(0);
    expect(link('cni0')).toMatchObject({kind: 'bridge'});
    expect(link('cni0')).not.toHaveProperty('peerIndex');
    expect(link('flannel.1').vxlan).toEqual({
      id: 1,
      local: '192.168.77.11',
      lower: 'ens5',
      port: 8472,
      learning: false,
      external: false,
    });
    expect(link('veth0').counters!.rxPackets).toBeGreaterThan(0);
  });

  test('every row points at its own bytes', () => {
    for (const row of links!) expect(JSON.parse(textAt(node, row))).toMatchObject({ifname: row.name});
    for (const row of routes!) expect(JSON.parse(textAt(node, row))).toHaveProperty('table', row.table);
    for (const row of rules!) expect(JSON.parse(textAt(node, row))).toHaveProperty('priority', row.priority);
    for (const row of addresses!) expect(textAt(node, row)).toContain(row.dev);
    for (const row of neighbours!) expect(JSON.parse(textAt(node, row))).toHaveProperty('dev', row.dev);
  });

  test('addresses of both families, with a peer', () => {
    expect(addresses!.find(row => row.peer)).toMatchObject({
      dev: 'ens5',
      address: '172.16.0.1',
      peer: '172.16.0.2',
      prefix: 32,
    });
    expect(addresses!.find(row => row.address === 'fd00:88::1')).toMatchObject({
      family: 6,
      prefix: 64,
      dev: 'cni0',
    });
  });

  test('routes of both families and all tables', () => {
    expect(routeTo('10.88.2.0/24')).toMatchObject([
      {family: 4, type: 'unicast', hops: [{via: '10.88.2.0', dev: 'flannel.1', flags: ['onlink']}]},
    ]);
    expect(routeTo('10.77.0.0/16')[0]!.hops).toEqual([
      {via: '192.168.77.12', dev: 'ens5', weight: 1, flags: []},
      {via: '192.168.77.13', dev: 'ens5', weight: 2, flags: []},
    ]);
    expect(routeTo('10.99.0.0/16')).toMatchObject([{type: 'blackhole', hops: []}]);
    expect(routeTo('10.66.0.0/16')[0]!.hops).toMatchObject([{via: 'fe80::1', dev: 'ens5'}]);
    expect(routeTo('0.0.0.0/0', '200')).toMatchObject([{family: 4, protocol: 'bird', metric: 50, mtu: 1400}]);
    expect(routeTo('::/0')).toMatchObject([{family: 6, hops: [{via: 'fd00:88::7', dev: 'cni0'}]}]);
    expect(routeTo('fd00:99::/64')).toMatchObject([{family: 6, type: 'blackhole'}]);
    expect(routeTo('10.88.1.1/32', 'local')).toMatchObject([{type: 'local', scope: 'host'}]);
  });

  test('neighbours and rules', () => {
    expect(neighbours!.find(row => row.dst === '10.88.2.0')).toMatchObject({
      dev: 'flannel.1',
      mac: '62:8a:67:03:46:c3',
      state: ['PERMANENT'],
    });
    expect(rules!.map(({from: _, to: __, ...rule}) => rule)).toMatchObject([
      {priority: 0, table: 'local'},
      {priority: 100, not: true, src: '10.1.0.0/16', dst: 'all', fwmark: '0x4000/0x4000', table: '200'},
      {priority: 101, not: false, dst: '10.2.0.0/16', iif: 'lo', action: 'unreachable'},
      {priority: 102, src: '10.3.3.3/32', action: 'goto'},
      {priority: 32766, src: 'all', action: 'lookup', table: 'main'},
      {priority: 32767, table: 'default'},
    ]);
  });
});

test('IPv6 rules and forwarding entries', () => {
  const six = RULES6.contribute(
    reply('rules6', fixture('node/node-a.rules6.txt'), {netns: '7'}),
    emptySnapshot(),
  );
  expect(six.gaps).toEqual([]);
  expect(six.netns!.get('7')!.rules6!.value.map(rule => [rule.priority, rule.src, rule.action])).toEqual([
    [0, 'all', 'lookup'],
    [90, 'fd00:3::/48', 'blackhole'],
    [32766, 'all', 'lookup'],
  ]);
  const fdb = FORWARDING.contribute(
    reply('forwarding', fixture('node/node-a.forwarding.txt'), {netns: '7'}),
    emptySnapshot(),
  );
  const entries = fdb.netns!.get('7')!.forwarding!.value;
  expect(entries.find(entry => entry.dst)).toMatchObject({
    mac: '62:8a:67:03:46:c3',
    dev: 'flannel.1',
    dst: '192.168.77.12',
    flags: ['self'],
    state: 'permanent',
  });
  expect(entries.some(entry => entry.state === 'learned' && entry.master === 'cni0')).toBe(true);
});

describe('what is not there', () => {
  const addr = '[{"ifindex":1,"ifname":"lo","flags":[],"mtu":65536,"operstate":"DOWN","addr_info":[]}]';
  const rule = '[{"priority":0,"src":"all","table":"local"}]';

  test('a fresh namespace has empty tables, not missing ones', () => {
    const empty = parseNetwork(fixture('node/empty.network.txt'));
    expect(empty.problems).toEqual([]);
    expect(empty).toMatchObject({addresses: [], routes: [], neighbours: []});
    expect(parseNetwork(bytes(`${addr}\n[{}]\n[ ]\n${rule}\n`))).toMatchObject({routes: [], neighbours: []});
  });

  test('when one of two empty tables is missing, neither is claimed to be read', () => {
    const network = parseNetwork(bytes(`${addr}\n[]\n${rule}\n`));
    expect(network).not.toHaveProperty('routes');
    expect(network).not.toHaveProperty('neighbours');
    expect(network.problems).toHaveLength(2);
  });

  test('the batch says which of its lines failed', () => {
    const network = parseNetwork(bytes(`${addr}\n[]\n${rule}\n`), 'Command failed -:2\n');
    expect(network.neighbours).toEqual([]);
    expect(network).not.toHaveProperty('routes');
    expect(network.problems).toEqual(['the routes (`ip route show table all`) are missing from the answer.']);
  });

  test('a cut answer keeps what was whole and says what is not', () => {
    const cut = node.subarray(0, node.indexOf(10) + 300);
    const contribution = NETWORK.contribute(
      reply('network', cut, {netns: '7', truncated: true}),
      emptySnapshot(),
    );
    const facts = contribution.netns!.get('7')!;
    expect(facts.links!.value).toHaveLength(5);
    expect(facts.routes!.value.length).toBeGreaterThan(0);
    expect(facts).not.toHaveProperty('rules');
    expect(contribution.gaps!.map(gap => gap.reason).join('\n')).toMatch(/cut after[\s\S]*policy rules/);
  });

  test('a broken entry costs only itself', () => {
    const network = parseNetwork(
      bytes(
        `[{"ifindex":1,"ifname":"lo"},{"ifindex":2,"ifname":"a",,},{"ifindex":3,"ifname":"b"}]\n[]\n[]\n${rule}`,
      ),
    );
    expect(network.links!.map(row => row.name)).toEqual(['lo', 'b']);
    expect(network.problems).toHaveLength(1);
  });

  test('no such tool, and no permission', () => {
    const missing = NETWORK.contribute(
      reply('network', '', {netns: '7', exit: 127, err: 'sh: 1: ip: not found'}),
      emptySnapshot(),
    );
    expect(missing.netns!.get('7')).toEqual({});
    expect(missing.gaps).toEqual([
      {
        node: 'node-a',
        fact: 'network',
        netns: '7',
        reason: 'ip is not installed on node node-a, namespace 7.',
        reveal: 'Install iproute2 on node-a.',
      },
    ]);
    const refused = NETWORK.contribute(
      reply('network', '', {
        netns: '7',
        exit: 1,
        err: 'nsenter: cannot open /proc/9/ns/net: Permission denied\n',
      }),
      emptySnapshot(),
    );
    expect(refused.gaps).toHaveLength(1);
    expect(refused.gaps![0]!.reason).toContain('Permission denied');
    expect(refused.gaps![0]!.reveal).toContain('root');
  });
});
