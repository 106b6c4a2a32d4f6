/** What a node without iproute2, or with an old one, is read by: the kernel's own files, busybox, net-tools. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {parseIpText} from '../../source/facts/ip/batch-text.ts';
import {OWNERS} from '../../source/facts/owners.ts';
import {parseSysForwarding} from '../../source/facts/proc/forwarding.ts';
import {isBigEndian, parseProcNetwork} from '../../source/facts/proc/network.ts';
import {parseNetstat} from '../../source/facts/sockets/netstat.ts';
import {parseSockets, STATES} from '../../source/facts/sockets.ts';

const read = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/poor', name)));
const bytes = (text: string) => new TextEncoder().encode(text);
const decoder = new TextDecoder();

/** Links as one line each. */
const shown = (name: string) =>
  (parseProcNetwork(read(name)).links ?? []).map(
    ({ifindex, name: link, kind = '-', mtu, state, master = '-', peerIndex = '-'}) =>
      `${ifindex} ${link} ${kind} ${mtu} ${state} ${master} ${peerIndex}`,
  );

describe('interfaces', () => {
  const host = [
    '1 lo loopback 65536 UNKNOWN - -',
    '2 eth0 veth 1500 UP - 4',
    '3 flannel.1 vxlan 1450 UNKNOWN - -',
    '4 cni0 bridge 1450 UP - -',
    '5 veth09e3bdde veth 1450 UP cni0 2',
    '6 veth81a40f54 veth 1450 UP cni0 2',
    '7 vethbfc458be veth 1450 UP cni0 2',
    '8 veth397f83f8 veth 1450 UP cni0 2',
  ];

  test.each(['network-busybox-host.txt', 'network-nettools-host.txt'])('of a node: %s', name => {
    expect(shown(name)).toEqual(host);
  });

  // `ip addr` of busybox says `eth0@cni0`: index 4 is cni0 here, but the other end is elsewhere.
  test('a name behind busybox’s @ is not believed', () => {
    expect(decoder.decode(read('network-busybox-host.txt'))).toContain('2: eth0@cni0: <');
    expect(parseProcNetwork(read('network-busybox-host.txt')).links?.[1]).not.toHaveProperty('lower');
  });

  test.each(['network-busybox-pod.txt', 'network-nettools-pod.txt', 'network-bare-pod.txt'])(
    'of a pod, by its own /sys: %s',
    name => {
      expect(shown(name)).toEqual(['1 lo loopback 65536 UNKNOWN - -', '2 eth0 veth 1450 UP - 5']);
    },
  );

  test('a /sys of another namespace is not believed', () => {
    const pod = decoder.decode(read('network-bare-pod.txt'));
    const foreign = pod.replace(/^(\S*\/sys\/class\/net\/eth0\/ifindex:)2$/m, '$17');
    const {links = [], problems} = parseProcNetwork(bytes(foreign));
    expect(links.map(({name, kind, mtu}) => `${name} ${kind} ${mtu}`)).toEqual(['lo loopback 0', 'eth0 ? 0']);
    expect(problems.join()).toContain('the /sys that is seen there is of another namespace');
  });

  test('by ifconfig alone, in both of its layouts', () => {
    const names = (name: string) =>
      (parseProcNetwork(read(name)).links ?? []).map(link => `${link.name} ${link.mtu} ${link.mac ?? '-'}`);
    expect(names('net-tools-host.txt')).toEqual(names('net-tools-busybox.txt'));
    expect(names('net-tools-host.txt')).toHaveLength(8);
    expect(parseProcNetwork(read('net-tools-host.txt')).problems).toEqual([]);
    expect(parseProcNetwork(read('net-tools-busybox.txt')).problems).toEqual([]);
  });
});

describe('addresses', () => {
  const four = (name: string) =>
    (parseProcNetwork(read(name)).addresses ?? [])
      .filter(({family}) => family === 4)
      .map(({dev, address, prefix}) => `${dev} ${address}/${prefix}`)
      .sort();
  const host = ['cni0 10.244.1.1/24', 'eth0 10.44.0.12/24', 'flannel.1 10.244.1.0/32', 'lo 127.0.0.1/8'];

  test.each([
    'network-busybox-host.txt',
    'network-nettools-host.txt',
    'net-tools-host.txt',
    'net-tools-busybox.txt',
  ])('of a node: %s', name => expect(four(name)).toEqual(host));

  test('of a pod without any tool, by the one subnet that it is in', () => {
    expect(four('network-bare-pod.txt')).toEqual(['eth0 10.244.1.2/24', 'lo 127.0.0.1/8']);
  });

  // 10.244.1.0 is flannel.1's, in the subnet of cni0.
  test('of a node without any tool, none that two interfaces could have', () => {
    const text = decoder.decode(read('network-nettools-host.txt'));
    const {addresses = [], problems} = parseProcNetwork(bytes(text.slice(0, text.indexOf('# ifconfig'))));
    const own = addresses.filter(({family}) => family === 4).map(({dev, address}) => `${dev} ${address}`);
    expect(own).toEqual(['eth0 10.44.0.12', 'lo 127.0.0.1']);
    expect(problems.join()).toContain(
      'the addresses 10.244.1.0, 10.244.1.1: which interface has them is not told',
    );
  });

  test('IPv6, from if_inet6', () => {
    const {addresses = []} = parseProcNetwork(read('network-bare-pod.txt'));
    const six = addresses.filter(({family}) => family === 6);
    expect(six.map(({dev, prefix, scope}) => `${dev}/${prefix} ${scope}`).sort()).toEqual([
      'eth0/64 link',
      'lo/128 host',
    ]);
  });
});

describe('routes', () => {
  const main = (name: string) =>
    (parseProcNetwork(read(name)).routes ?? [])
      .filter(({family, table}) => family === 4 && table === 'main')
      .map(({dst, hops}) => `${dst} ${hops.map(({via = '-', dev}) => `${via} ${dev}`).join()}`)
      .sort();
  const host = [
    '0.0.0.0/0 10.44.0.1 eth0',
    '10.244.0.0/24 10.244.0.0 flannel.1',
    '10.244.1.0/24 - cni0',
    '10.244.2.0/24 10.244.2.0 flannel.1',
    '10.44.0.0/24 - eth0',
  ];
  test.each([
    'network-busybox-host.txt',
    'network-nettools-host.txt',
    'net-tools-host.txt',
    'net-tools-busybox.txt',
  ])('of the main table: %s', name => expect(main(name)).toEqual(host));

  test('who made them is not told', () => {
    const {routes = []} = parseProcNetwork(read('network-nettools-host.txt'));
    expect(new Set(routes.map(({protocol}) => protocol))).toEqual(new Set(['?']));
  });

  test('policy rules only where there is an `ip`', () => {
    expect(parseProcNetwork(read('network-busybox-host.txt')).rules).toHaveLength(3);
    expect(parseProcNetwork(read('network-nettools-host.txt')).rules).toBeUndefined();
  });

  // Linux 6.18: `ip route add blackhole 10.9.9.0/24`, `… prohibit 10.9.8.0/24`.
  test('one that rejects, by the type that fib_trie has', () => {
    const text = [
      '/proc/self/net/route:*\t0009090A\t00000000\t0205\t0\t0\t0\t00FFFFFF\t0\t0\t0',
      '/proc/self/net/fib_trie:Main:',
      '/proc/self/net/fib_trie:     |-- 10.9.9.0',
      '/proc/self/net/fib_trie:        /24 universe BLACKHOLE',
      '/proc/self/net/fib_trie:Id 200:',
      '',
    ].join('\n');
    const {routes, problems} = parseProcNetwork(bytes(text));
    expect(routes).toMatchObject([{type: 'blackhole', dst: '10.9.9.0/24', hops: []}]);
    expect(problems.join()).toContain('table Id 200'.replace('Id ', ''));
    const untold = parseProcNetwork(bytes(text.split('\n')[0]!));
    expect(untold.routes).toEqual([]);
    expect(untold.problems.join()).toContain('a route to 10.9.9.0/24 that rejects, but not how');
  });
});

test('`ip` without JSON: the tables of one batch, each to its own', () => {
  const {links, addresses, routes, neighbours, rules, problems} = parseIpText(read('ip-batch.txt'));
  expect(problems).toEqual([]);
  expect(links).toHaveLength(8);
  expect(links?.map(({kind}) => kind)).toEqual([
    'loopback',
    'veth',
    'vxlan',
    'bridge',
    'veth',
    'veth',
    'veth',
    'veth',
  ]);
  expect(links?.[4]?.peerNetns).toMatch(/^cni-/);
  expect(addresses?.filter(({family}) => family === 4)).toHaveLength(4);
  expect(routes?.filter(({family, table}) => family === 4 && table === 'main')).toHaveLength(5);
  expect(neighbours?.filter(({state}) => state.includes('PERMANENT'))).not.toEqual([]);
  expect(rules?.map(({priority}) => priority)).toEqual([0, 32766, 32767]);
  const failed = parseIpText(bytes('0:\tfrom all lookup local\n'), 'Command failed -:2\n');
  expect(failed.routes).toBeUndefined();
  expect(failed.neighbours).toEqual([]);
  expect(failed.problems.join()).toContain('its routes are missing');
});

describe('sockets', () => {
  const rows = (name: string, reader: string, big = false) => {
    const {table, problems} = parseSockets([{netns: '1', out: read(name), reader, big}]);
    expect(problems).toEqual([]);
    return Array.from({length: table.count}, (_, i) => ({
      protocol: table.protocol[i],
      family: table.family[i],
      state: STATES[table.state[i]!],
      local: [...table.local.subarray(i * 4, i * 4 + 4)],
      localPort: table.localPort[i],
      remotePort: table.remotePort[i],
      inode: table.inode[i]!,
      line: decoder.decode(read(name).subarray(table.from[i], table.to[i])),
    }));
  };

  test('from /proc/net: addresses, ports, states, inodes, and the line itself', () => {
    const found = rows('sockets-proc.txt', 'proc-sockets@1');
    const ssh = found.filter(({localPort, state}) => localPort === 22 && state === 'LISTEN');
    expect(ssh).toHaveLength(1);
    expect(ssh[0]).toMatchObject({protocol: 0, family: 4, local: [0, 0, 0xffff, 0x0a2c_000c]});
    expect(ssh[0]!.inode).toBeGreaterThan(0);
    expect(ssh[0]!.line).toContain('0C002C0A:0016');
    const wild = found.filter(({localPort, family}) => localPort === 2201 && family === 6);
    expect(wild).toMatchObject([{local: [0, 0, 0, 0], state: 'LISTEN'}]);
    expect(found.some(({protocol, localPort}) => protocol === 1 && localPort === 8472)).toBe(true);
  });

  test('the same words on a machine of the other byte order', () => {
    const line =
      '   0: 0A2C000C:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0\n';
    const {table} = parseSockets([
      {
        netns: '1',
        out: bytes(`  sl  local_address rem_address   st\n${line}`),
        reader: 'proc-sockets@1',
        big: isBigEndian('s390x'),
      },
    ]);
    expect([...table.local.subarray(0, 4)]).toEqual([0, 0, 0xffff, 0x0a2c_000c]);
  });

  test('netstat in both layouts', () => {
    const tools = parseNetstat(read('netstat-nettools.txt'));
    expect(tools.problems).toEqual([]);
    expect([...tools.pid].some(pid => pid > 0)).toBe(true);
    const busybox = parseNetstat(read('netstat-busybox.txt'));
    expect(busybox.problems).toEqual([]);
    expect(busybox.table.count).toBeGreaterThan(10);
    // It calls all of them tcp or udp: the address tells IPv6.
    const wild = Array.from({length: busybox.table.count}, (_, i) => i).filter(
      i => busybox.table.localPort[i] === 2201 && busybox.table.family[i] === 6,
    );
    expect(wild).toHaveLength(1);
  });

  test('who holds them, by ls of busybox', () => {
    const reply = {
      node: 'n',
      fact: 'owners',
      reader: 'ls-sockets@1',
      sweep: 1,
      at: '2026-11-24T03:00:00.000Z',
      uptime: 1,
      ms: 1,
      exit: 0,
      err: '',
    };
    const soFar = {node: 'n', sweep: 0, at: '', uptime: 0, netns: new Map(), gaps: []};
    const some = OWNERS.contribute({...reply, out: read('ls-sockets-busybox.txt')}, soFar);
    expect(some.node?.owners?.value.count).toBe(79);
    expect(some.gaps).toEqual([]);
    const none = OWNERS.contribute({...reply, out: new Uint8Array()}, soFar);
    expect(none.node).toBeUndefined();
    expect(none.gaps).toMatchObject([
      {reason: 'ls showed no socket of any process on node n, though there must be some.'},
    ]);
  });
});

test('a bridge’s own file: ports by their number, learned or not', () => {
  const {rows, problems} = parseSysForwarding(read('brforward.txt'));
  expect(problems).toEqual([]);
  expect(rows.map(({mac, dev, master, state}) => `${mac} ${dev} ${master} ${state}`)).toEqual([
    'b2:d6:dd:87:2c:78 veth397f83f8 cni0 learned',
    '36:30:27:09:0a:a7 veth397f83f8 cni0 permanent',
    '82:4d:08:59:58:ae vethbfc458be cni0 learned',
    'a2:57:ca:8a:f9:97 vethbfc458be cni0 permanent',
    '8e:ac:9c:25:fe:8c veth81a40f54 cni0 learned',
    'd6:57:b1:03:f8:1e veth81a40f54 cni0 permanent',
    'ee:2e:28:c5:9e:d5 veth09e3bdde cni0 learned',
    'd6:aa:bd:4e:7a:a7 veth09e3bdde cni0 permanent',
  ]);
  expect(
    parseSysForwarding(
      bytes('# /sys/class/net/br0/brforward\n b2 d6 dd 87 2c 78 04 00 08 00 00 00 00 00 00 00\n'),
    ),
  ).toEqual({
    rows: [],
    problems: ['port 4 of bridge br0 has no name.'],
  });
});

/** Bytes that are nearly an answer: lines of real ones, cut and mixed. */
const mixed = fc
  .array(
    fc.oneof(
      fc.string({maxLength: 40}),
      fc.constantFrom(
        ...[
          'network-busybox-host.txt',
          'network-nettools-pod.txt',
          'sockets-proc.txt',
          'brforward.txt',
          'ip-batch.txt',
        ].flatMap(name => decoder.decode(read(name)).split('\n').slice(0, 400)),
      ),
    ),
    {maxLength: 60},
  )
  .map(lines => bytes(lines.join('\n')));

test('any bytes: nothing is thrown, and every range is within them', () => {
  fc.assert(
    fc.property(mixed, out => {
      const tables = [parseProcNetwork(out), parseIpText(out)];
      const {table} = parseSockets([{netns: '1', out, reader: 'proc-sockets@1'}]);
      for (let i = 0; i < table.count; i++) expect(table.to[i]).toBeLessThanOrEqual(out.length);
      for (const {problems: _, ...rows} of tables)
        for (const {from, to} of Object.values(rows).flat()) {
          expect(from).toBeLessThanOrEqual(to);
          expect(to).toBeLessThanOrEqual(out.length);
        }
      parseSysForwarding(out);
    }),
    {numRuns: 200},
  );
});
