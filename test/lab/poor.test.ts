/**
 * One node of a real lab, read as it is and as a poor one: the same namespaces, pods and sockets through other tools, over
 * real SSH. What a poor node tells must be what the full one tells; what it cannot tell must be a gap, and no verdict.
 */
import type {ChildProcess} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {eventually, starts} from './harness.ts';
import {ask, type Differently, hoptop, labsFor, nameOf, runs, scratch} from './walk.ts';

const TOPOLOGY = 'flannel-vxlan';
const NAME = nameOf('poor', TOPOLOGY);
const [CP, POOR, OTHER] = ['10.44.0.11', '10.44.0.12', '10.44.0.13'];
const SCRIPT = readFileSync(join(import.meta.dirname, 'poor-node.sh'), 'utf8');
const LAB = join(import.meta.dirname, '../../demo/lab/lab.ts');

/** What each kind is read by, by fact; where nothing is said, by the best. */
const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  busybox: {
    network: 'proc-network@1',
    sockets: 'proc-sockets@1',
    owners: 'ls-sockets@1',
    forwarding: 'sys-brforward@1',
  },
  nojson: {network: 'ip-batch-text@1', sockets: 'ss-header@1', forwarding: 'bridge-fdb-text@1'},
  halfjson: {network: 'ip-batch-text@1'},
  nettools: {network: 'proc-network@1', sockets: 'proc-sockets@1', forwarding: 'sys-brforward@1'},
  bare: {network: 'proc-network@1', sockets: 'proc-sockets@1', forwarding: 'sys-brforward@1'},
  netstat: {network: 'proc-network@1', sockets: 'netstat@1', forwarding: 'sys-brforward@1'},
};
const names = Object.keys(KINDS);
const portOf = (kind: string) => 2201 + names.indexOf(kind);
const lacksIp = (kind: string) => KINDS[kind]!['network'] === 'proc-network@1';

type Row = Record<string, unknown>;
type Gap = {node: string; fact: string; reason: string; reveal?: string};
type Read = {readBy: {node: string; fact: string; reader: string; command: string}[]; gaps: Gap[]};

const tools = ['/usr/sbin/dropbear', '/usr/bin/dropbearkey', '/usr/sbin/ifconfig'].every(tool =>
  existsSync(tool),
);

labsFor('poor', [TOPOLOGY]);

describe.skipIf(!runs || (!tools && !process.env['CI']))('a poor node', () => {
  const servers: ChildProcess[] = [];
  let known = '';

  beforeAll(async () => {
    known = scratch('known_hosts');
    const lines = [readFileSync(`/run/hoptop-lab/${NAME}/known_hosts`, 'utf8').trimEnd()];
    const started = names.map(kind => {
      const words = [
        'unshare',
        '-m',
        '--propagation',
        'private',
        'sh',
        '-c',
        SCRIPT,
        'poor',
        kind,
        `${portOf(kind)}`,
      ];
      const server = starts(process.execPath, LAB, 'exec', '--name', NAME, 'worker-1', ...words);
      servers.push(server.child);
      return {kind, heard: server.heard};
    });
    for (const {kind, heard} of started) {
      // It says so once it listens.
      await eventually(() => expect(heard.err).toContain('Not backgrounding'), 40);
      lines.push(`[${POOR}]:${portOf(kind)} ${heard.out.trim()}`);
    }
    writeFileSync(known, `${lines.join('\n')}\n`);
  }, 120_000);

  afterAll(() => {
    for (const server of servers) server.kill();
  });

  const by = (...nodes: string[]): Differently => ({
    source: [
      ...['--nodes', nodes.map(node => `root@${node}`).join(',')],
      ...['-F', 'none', '-i', `/run/hoptop-lab/${NAME}/id_ed25519`, '--known-hosts', known],
    ],
  });
  const full = () => by(POOR!);
  const poor = (kind: string) => by(`${POOR}:${portOf(kind)}`);
  /** What does not change while nobody touches the node is asked of the full one once. */
  const asked = new Map<string, Promise<unknown>>();
  const once = <Answer>(words: readonly string[], at: Differently) => {
    const key = words.join(' ');
    if (!asked.has(key)) asked.set(key, ask<Answer>(NAME, words, at));
    return asked.get(key) as Promise<Answer>;
  };
  /** An answer of one node, as the full one and as the poor one. */
  const both = async <Answer>(kind: string, word: string) =>
    [await once<Answer & Read>([word], full()), await ask<Answer & Read>(NAME, [word], poor(kind))] as const;
  const only = (row: Row, keys: readonly string[]) => Object.fromEntries(keys.map(key => [key, row[key]]));

  describe.each(names)('%s', kind => {
    test('interfaces: the same, and their other ends', async () => {
      const [is, was] = await both<{interfaces: Row[]}>(kind, 'interfaces');
      const shown = ({interfaces}: {interfaces: Row[]}) =>
        interfaces
          .map((row): Row => {
            const {pair} = row as {pair?: {candidates: {words: string}[]}};
            // A node without any tool does not tell which of two interfaces has an address of both their subnets.
            const known = kind !== 'bare' || row['place'] !== 'host';
            const inet = known && (row['inet'] as Row[]).map(one => only(one, ['address', 'prefix']));
            const keys = [
              ...['netns', 'name', 'ifindex', 'kind', 'mtu', 'state', 'mac', 'master', 'alias', 'inet6'],
            ];
            return {...only(row, keys), inet, ends: pair?.candidates.map(({words}) => words)};
          })
          .sort((a, b) => `${a['netns']} ${a['name']}`.localeCompare(`${b['netns']} ${b['name']}`));
      expect(is.interfaces.length).toBeGreaterThan(12);
      expect(shown(was)).toEqual(shown(is));
      expect(was.readBy.find(({fact}) => fact === 'network')?.reader).toBe(KINDS[kind]!['network']);
    });

    test('routes: the same', async () => {
      const [is, was] = await both<{routes: Row[]}>(kind, 'routes');
      const shown = ({routes}: {routes: Row[]}) =>
        routes
          .map(row => {
            const hops = row['hops'] as Row[];
            // Which interface a broadcast address is of is not in the kernel's files, nor the flags of a next hop.
            const via =
              row['type'] === 'unicast' || !lacksIp(kind) ? hops.map(hop => only(hop, ['via', 'dev'])) : [];
            return JSON.stringify({
              ...only(row, ['netns', 'family', 'type', 'dst', 'table', 'scope', 'metric']),
              via,
            });
          })
          .sort();
      expect(is.routes.length).toBeGreaterThan(40);
      expect(shown(was)).toEqual(shown(is));
    });

    // It differs from the one without any JSON by how its tables are told, and in nothing else.
    if (kind === 'halfjson') return;

    test('sockets: the same, and who holds them', async () => {
      const key = (row: Row) =>
        ['netns', 'protocol', 'local', 'localPort', 'remote', 'remotePort'].map(name => row[name]).join(' ');
      const shown = (row: Row) => only(row, ['state', 'pid', 'program', 'user', 'pod', 'container']);
      const before = await ask<{sockets: Row[]}>(NAME, ['sockets'], full());
      const was = await ask<{sockets: Row[]} & Read>(NAME, ['sockets'], poor(kind));
      const after = await ask<{sockets: Row[]}>(NAME, ['sockets'], full());
      const later = new Map(after.sockets.map(row => [key(row), shown(row)]));
      // Traffic comes and goes: what stood before and after must have been there.
      const lasting = before.sockets.filter(
        row =>
          JSON.stringify(later.get(key(row))) === JSON.stringify(shown(row)) && row['state'] !== 'TIME-WAIT',
      );
      expect(lasting.length).toBeGreaterThan(20);
      const found = new Map(was.sockets.map(row => [key(row), shown(row)]));
      for (const row of lasting)
        expect({key: key(row), ...found.get(key(row))}).toEqual({key: key(row), ...shown(row)});
      expect(was.readBy.find(({fact}) => fact === 'sockets')?.reader).toBe(KINDS[kind]!['sockets'] ?? 'ss@1');
    });

    test('pods, their links and peers: the same', async () => {
      type Pod = Row & {attachments: {inside: Row; outside: Row[]}[]};
      const [is, was] = await both<{pods: Pod[]}>(kind, 'pods');
      const shown = ({pods}: {pods: Pod[]}) =>
        pods.map(pod => ({
          ...only(pod, ['pod', 'uid', 'state', 'netns', 'containers', 'processes', 'hostNetwork']),
          ...(kind === 'bare' && pod['hostNetwork'] ? {} : only(pod, ['addresses'])),
          links: pod.attachments.map(({inside, outside}) => [
            inside['words'],
            outside.map(one => one['words']),
          ]),
        }));
      expect(is.pods).toHaveLength(5);
      expect(shown(was)).toEqual(shown(is));
      const cart = ['peers', 'shop/cart-5f8d9c7b6c-m4t9z'];
      const who = ({peers}: {peers: readonly Row[]}) =>
        peers.map(row => `${row['words']} ${row['direction']}`);
      const before = who(await ask<{peers: Row[]}>(NAME, cart, full()));
      const between = who(await ask<{peers: Row[]}>(NAME, cart, poor(kind)));
      const after = who(await ask<{peers: Row[]}>(NAME, cart, full()));
      const lasting = before.filter(one => after.includes(one));
      expect(lasting.length).toBeGreaterThan(1);
      expect(between).toEqual(expect.arrayContaining(lasting));
    });

    test('overview: the same figures, and what is missing with what would reveal it', async () => {
      const [is, was] = await both<{nodes: Row[]}>(kind, 'overview');
      const shown = ({nodes}: {nodes: Row[]}) =>
        nodes.map(row => only(row, ['name', 'pods', 'kernel', 'namespaces', 'state']));
      expect(shown(was)).toEqual(shown(is));
      const said = was.gaps.filter(({fact}) => ['network', 'sockets', 'forwarding'].includes(fact));
      for (const {reveal} of said) expect(reveal).toMatch(/^(Install|Look)/);
      const words = said.map(({fact, reason}) => `${fact}: ${reason}`).join('\n');
      expect(/network: .*ids and ports of tunnels/.test(words)).toBe(lacksIp(kind));
      expect(/sockets: .*round-trip times/.test(words)).toBe(lacksIp(kind));
      expect(/forwarding: .*vxlan devices/.test(words)).toBe(lacksIp(kind));
      expect(/Policy rules/.test(words)).toBe(lacksIp(kind) && kind !== 'busybox');
    });

    test('a way is walked as far as it is known, and nothing is called lost', async () => {
      type Forward = {forward: {ways: {hops: Row[]}[]}};
      const at = by(CP!, `${POOR}:${portOf(kind)}`, OTHER!);
      const near = ['path', 'shop/cart-5f8d9c7b6c-m4t9z', 'data/backup-0'];
      const [is, was] = [
        await once<Forward>(near, by(CP!, POOR!, OTHER!)),
        await ask<Forward>(NAME, near, at),
      ];
      const hops = ({forward}: Forward) =>
        forward.ways.map(way => way.hops.map(hop => only(hop, ['place', 'link', 'way', 'status'])));
      expect(is.forward.ways[0]!.hops.length).toBeGreaterThan(3);
      expect(hops(was)).toEqual(hops(is));
      for (const words of [
        ['path', 'shop/cart-5f8d9c7b6c-m4t9z', 'default/toolbox'],
        ['path', 'default/toolbox', 'shop/cart-5f8d9c7b6c-m4t9z'],
      ]) {
        const {out, status} = await hoptop(NAME, words, at);
        expect(status).toBe(0);
        expect(out).not.toContain('It is lost');
        if (!lacksIp(kind)) expect(out).toContain('It arrives at');
        else
          expect(out).toMatch(
            /is not known: .*(forwarding database was not read|flannel\.1 unwraps was not read)/,
          );
      }
    });
  });
});
