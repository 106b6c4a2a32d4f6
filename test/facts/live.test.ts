/**
 * The readers' own commands against the kernel: in network namespaces made here, as root. What matters most is that
 * a fingerprint stays the same while there is traffic, and changes when something that is read on change does.
 */
import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process';
import {readlinkSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FACTS, factOf} from '../../source/facts/catalogue.ts';
import type {Snapshot} from '../../source/facts/snapshot.ts';
import {emptySnapshot, reply} from './samples.ts';

const works =
  process.getuid?.() === 0 && spawnSync('sh', ['-c', 'unshare -n true && ip -V && bridge -V']).status === 0;
const [node, pod] = [`hoptop-f${process.pid}-n`, `hoptop-f${process.pid}-p`];
const holders: ChildProcess[] = [];
const sh = (command: string) =>
  execFileSync('sh', ['-ec', command], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
/** Datagrams to a port that nobody listens on: address resolution, packets, and ICMP errors coming back. */
const traffic = (netns: string, ...addresses: readonly string[]) => {
  const script = addresses
    .map(address => `for i in 1 2 3 4 5; do echo x > /dev/udp/${address}/9; done`)
    .join('; ');
  execFileSync('ip', ['netns', 'exec', netns, 'bash', '-c', `(${script}; sleep 0.3) 2>/dev/null; true`]);
};

describe.skipIf(!works)('real namespaces (needs root and iproute2)', () => {
  const pids: number[] = [];

  beforeAll(async () => {
    sh(`ip netns add ${node}; ip netns add ${pod}
      ip -n ${node} link set lo up; ip -n ${pod} link set lo up
      ip -n ${node} link add br0 type bridge; ip -n ${node} link set br0 up
      ip -n ${node} link add v0 type veth peer name eth0 netns ${pod}
      ip -n ${node} link set v0 master br0 up; ip -n ${pod} link set eth0 up
      ip -n ${node} addr add 10.9.0.1/24 dev br0; ip -n ${pod} addr add 10.9.0.2/24 dev eth0
      ip -n ${node} addr add fd00:9::1/64 dev br0 nodad; ip -n ${pod} addr add fd00:9::2/64 dev eth0 nodad
      ip -n ${pod} route add default via 10.9.0.1; ip -n ${pod} -6 route add default via fd00:9::1`);
    for (const netns of [node, pod]) {
      const holder = spawn('ip', ['netns', 'exec', netns, 'sleep', '120'], {stdio: 'ignore'});
      holders.push(holder);
      pids.push(holder.pid!);
    }
    traffic(node, '10.9.0.2', 'fd00:9::2');
    // Duplicate address detection of the link-local addresses goes on for a second or two.
    for (let i = 0; i < 50 && /tentative/.test(sh(`ip -n ${node} addr; ip -n ${pod} addr`)); i += 1)
      sh('sleep 0.1');
  });

  afterAll(() => {
    for (const holder of holders) holder.kill();
    for (const netns of [node, pod]) spawnSync('ip', ['netns', 'del', netns]);
  });

  const inodeOf = (pid: number) => /\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))![0];

  function contribute(name: string, soFar: Snapshot, netns?: string) {
    const {reader, ...fact} = factOf(name)!;
    const command =
      netns === undefined ? reader.command : `nsenter --net=/run/netns/${netns} ${reader.command}`;
    const {status, stdout, stderr} = spawnSync('sh', ['-c', command], {
      input: reader.stdin ?? '',
      env: {PATH: process.env['PATH'], LC_ALL: 'C', hop_pids: pids.join(' ')},
      maxBuffer: 1e8,
    });
    const inode = netns === undefined ? {} : {netns: inodeOf(pids[netns === node ? 0 : 1]!)};
    return fact.contribute(
      reply(name, new Uint8Array(stdout), {
        exit: status ?? 1,
        err: stderr.toString().slice(0, 400),
        ...inode,
      }),
      soFar,
    );
  }

  const members = (): Snapshot => ({...emptySnapshot(), ...contribute('namespaces', emptySnapshot()).node});
  const prints = () => {
    const found = members();
    // The counters of the same sweep have the names of interfaces.
    const counted = {
      ...found,
      netns: new Map(
        [...contribute('counters', found).netns!].map(([inode, part]) => [inode, {netns: inode, ...part}]),
      ),
    };
    const all = contribute('fingerprints', counted).node!.fingerprints!.value;
    return pids.map(pid => all.get(inodeOf(pid)));
  };

  test('fingerprints stay while there is traffic', () => {
    const before = prints();
    expect(before.every(print => print !== undefined && print.length > 20)).toBe(true);
    for (let i = 0; i < 3; i += 1) {
      traffic(pod, '10.9.0.1', 'fd00:9::1');
      expect(prints()).toEqual(before);
    }
  });

  test.each([
    ['an address', `ip -n ${pod} addr add 10.9.0.77/24 dev eth0`],
    ['an IPv6 address', `ip -n ${pod} addr add fd00:9::77/64 dev eth0 nodad`],
    ['a route', `ip -n ${pod} route add 10.50.0.0/16 via 10.9.0.1`],
    ['a route in another table', `ip -n ${pod} route add 10.51.0.0/16 via 10.9.0.1 table 77`],
    ['the gateway of a route', `ip -n ${pod} route replace 10.50.0.0/16 via 10.9.0.3`],
    ['an IPv6 route', `ip -n ${pod} -6 route add fd00:50::/64 via fd00:9::1`],
    ['the gateway of an IPv6 route', `ip -n ${pod} -6 route replace fd00:50::/64 via fd00:9::3`],
    ['a neighbour', `ip -n ${pod} neigh add 10.9.0.99 lladdr 02:00:00:00:00:99 dev eth0`],
    ['a link', `ip -n ${pod} link add x0 type veth peer name x1`],
    ['a link that goes', `ip -n ${pod} link del x0`],
    ['a link that goes down', `ip -n ${pod} link set eth0 down`],
  ])('%s changes the fingerprint of its namespace only', (_, change) => {
    const [nodeBefore, podBefore] = prints();
    sh(change);
    const [nodeAfter, podAfter] = prints();
    expect(podAfter).not.toBe(podBefore);
    if (!change.includes('down')) expect(nodeAfter).toBe(nodeBefore);
  });

  test('every fact is read from this kernel without a problem that nobody expected', () => {
    let soFar = emptySnapshot();
    for (const {name, reader, collect} of FACTS) {
      // What runs only when it is asked something has its own tests.
      if (collect || reader.asks) continue;
      for (const netns of reader.scope === 'node' ? [undefined] : [node, pod]) {
        const {node: part, netns: parts, gaps} = contribute(name, soFar, netns);
        const odd = (gaps ?? []).filter(gap => !/refused|no name|ended meanwhile/.test(gap.reason));
        expect(odd, name).toEqual([]);
        const merged = new Map(soFar.netns);
        for (const [inode, facts] of parts ?? []) {
          merged.set(inode, {...merged.get(inode), ...facts, netns: inode});
        }
        soFar = {...soFar, ...part, netns: merged};
      }
    }
    const facts = soFar.netns.get(inodeOf(pids[0]!))!;
    expect(facts.links!.value.map(link => link.name)).toEqual(['lo', 'br0', 'v0']);
    expect(facts.forwarding!.value.some(entry => entry.dev === 'v0')).toBe(true);
    expect(facts.counters!.value.get('v0')!.rxPackets).toBeGreaterThan(0);
    expect(facts.routes!.value.map(route => route.dst)).toContain('fd00:9::/64');
    expect(facts.rules6!.value.length).toBeGreaterThan(1);
    expect(facts.sysctls!.value.map(row => row.name)).toContain('net.ipv4.ip_forward');
    const me = soFar.processes!.value.find(row => row.pid === process.pid)!;
    expect(me).toMatchObject({ppid: process.ppid, user: 'root'});
    const started = Date.now() - process.uptime() * 1000;
    expect(Math.abs(Date.parse(me.start) - started)).toBeLessThan(10_000);
    expect(soFar.members!.value.some(row => row.path === `/run/netns/${pod}`)).toBe(true);
  });
});
