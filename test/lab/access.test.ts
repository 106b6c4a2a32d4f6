/** Rights on real nodes: what `access` prints is given to an ordinary user there, who then reads all that root reads. */
import {writeFileSync} from 'node:fs';
import {afterEach, describe, expect, test} from 'vitest';
import {topologies} from '../../demo/lab/topologies.ts';
import {onNode} from './harness.ts';
import {ask, hoptop, hoptopArgv, labsFor, nameOf, runs, scratch} from './walk.ts';
import {person} from './walk-terminal.ts';

const FILE = 'may';
const topology = topologies.find(each => each.datapath === 'routed')!;
labsFor(FILE, [topology.name]);
const name = nameOf(FILE, topology.name);
const nodes = topology.nodes.map(node => node.name);

const inventoryFor = (user: string) => {
  const file = scratch(`${user}.yaml`);
  const rows = topology.nodes.map(node => `  - {name: ${node.name}, host: ${node.address}, user: ${user}}`);
  writeFileSync(file, `nodes:\n${rows.join('\n')}\n`);
  return {inventory: file};
};

type Access = {
  gaps: unknown[];
  nodes: {
    name: string;
    user: string;
    uid: number;
    means: string;
    refusals: string[];
    partly: number;
    unread: number;
  }[];
  reads: {node: string; fact: string; status: string; rights: boolean}[];
  grants: {kind: string; file: string; nodes: string[]; lines: string[]; amountsToRoot: boolean}[];
};
type Sockets = {
  sockets: {node: string; state: string; local: string; localPort: number; pid?: number; pod?: string}[];
};
type Pods = {gaps: unknown[]; pods: {pod: string; node: string; netns?: string; addresses?: string[]}[]};

/** What is the same each time that all is read. */
async function everything(way: {inventory?: string}) {
  const {pods, gaps} = await ask<Pods>(name, ['pods'], way);
  const {sockets} = await ask<Sockets>(name, ['sockets'], way);
  return {
    gaps,
    pods: pods.map(({pod, node, netns, addresses}) => ({pod, node, netns, addresses})),
    listening: sockets
      .filter(socket => socket.state === 'LISTEN')
      .map(socket => `${socket.node} ${socket.pid} ${socket.local}:${socket.localPort}`)
      .sort(),
  };
}

const undo: (() => void)[] = [];
afterEach(() => {
  for (const one of undo.splice(0).reverse()) one();
}, 60_000);

/** Writes a file on every node, checks it with the node's own tool, and takes it away again after the test. */
function give(path: string, lines: readonly string[], check: string) {
  for (const node of nodes) {
    const text = lines.join('\\n').replaceAll("'", "'\\''");
    undo.push(() => void onNode(name, node, `rm -f ${path}`));
    onNode(
      name,
      node,
      `umask 077; printf '${text}\\n' >/tmp/given && ${check} /tmp/given >&2 && chmod 0440 /tmp/given && mv /tmp/given ${path}`,
    );
  }
}

const visitor = () => inventoryFor('visitor');

describe.runIf(runs)('an ordinary user', {timeout: 120_000}, () => {
  test('is told what is read and what not, and which right would show it', async () => {
    const found = await ask<Access>(name, ['access'], visitor());
    expect(found.nodes.map(({name: node}) => node)).toEqual(nodes);
    for (const node of found.nodes)
      expect(node).toMatchObject({
        user: 'visitor',
        uid: 1802,
        means: 'none',
        refusals: [expect.stringMatching(/^sudo wants a password there/), expect.stringMatching(/^doas /)],
      });
    for (const node of nodes) {
      const status = Object.fromEntries(
        found.reads.filter(row => row.node === node).map(row => [row.fact, `${row.status} ${row.rights}`]),
      );
      expect(status).toMatchObject({
        identity: 'read false',
        processes: 'read false',
        sysctls: 'read false',
        network: 'partly true',
        sockets: 'partly true',
        counters: 'read false',
        namespaces: 'partly true',
        sandboxes: 'refused true',
        owners: 'refused true',
        conntrack: 'refused true',
        netfilter: 'refused true',
      });
    }
    // The node's own namespace is whole: its links, routes and listeners, as root sees them.
    type Node = {
      interfaces: {name: string}[];
      routes: {destination: string}[];
      sockets: {state: string; local: string; localPort: number}[];
    };
    const own = async (way: {inventory?: string}) => {
      const {interfaces, routes, sockets} = await ask<Node>(name, ['node', nodes[1]!], way);
      return {
        interfaces: interfaces.map(row => row.name).sort(),
        routes: routes.map(row => row.destination).sort(),
        listening: sockets
          .filter(row => row.state === 'LISTEN')
          .map(row => `${row.local}:${row.localPort}`)
          .sort(),
      };
    };
    const seen = await own(visitor());
    expect(seen).toEqual(await own({}));
    expect(seen.interfaces.length).toBeGreaterThan(2);
    expect(seen.listening.length).toBeGreaterThan(1);
  });

  test('sees into other namespaces as far as the kernel shows everybody', async () => {
    type Row = {node: string; netns: string; where: string; name: string; counters?: {rxBytes: number}};
    const seen = async (way: {inventory?: string}) => {
      const {sockets} = await ask<Sockets>(name, ['sockets'], way);
      const {interfaces} = await ask<{interfaces: Row[]}>(name, ['interfaces'], way);
      const {nodes: rows} = await ask<{nodes: {namespaces: number}[]}>(name, ['overview'], way);
      return {
        // Of the pods too, whose namespaces may not be entered.
        listening: sockets
          // Who in the node's own namespace has one, is for root to see.
          .filter(socket => socket.state === 'LISTEN' && socket.localPort !== 4240)
          .map(socket => `${socket.node} ${socket.pod ?? ''} ${socket.local}:${socket.localPort}`)
          .sort(),
        interfaces: interfaces.map(row => `${row.node} ${row.name}`).sort(),
        counted: interfaces.filter(row => row.counters === undefined).length,
        namespaces: rows.map(row => row.namespaces),
      };
    };
    const all = await seen({});
    expect(await seen(visitor())).toEqual(all);
    expect(all.listening.filter(line => /\/(cart|web)-/.test(line)).length).toBeGreaterThan(2);
  });

  test('with exactly the sudoers lines that are printed, reads what root reads', async () => {
    const {grants} = await ask<Access>(name, ['access'], visitor());
    const [grant] = grants.filter(({kind}) => kind === 'sudoers');
    expect(grant).toMatchObject({nodes, amountsToRoot: true});
    give(grant!.file, grant!.lines, '/usr/sbin/visudo -c -f');
    const found = await ask<Access>(name, ['access'], visitor());
    for (const node of found.nodes)
      expect(node).toMatchObject({uid: 0, means: 'sudo', user: 'visitor', partly: 0, unread: 0});
    expect(found.gaps).toEqual([]);
    expect(await everything(visitor())).toEqual(await everything({}));
    // What has become root may do so no more.
    undo.pop()!();
    expect((await ask<Access>(name, ['access', nodes.at(-1)!], visitor())).nodes[0]!.means).toBe('none');
  });

  test('where there is doas and no sudo: with exactly its line', async () => {
    for (const node of nodes) {
      onNode(name, node, 'mount --bind /dev/null /usr/bin/sudo');
      undo.push(() => void onNode(name, node, 'umount /usr/bin/sudo'));
    }
    const {grants, nodes: before} = await ask<Access>(name, ['access'], visitor());
    expect(before[0]!.refusals).toContain('sudo is not installed there');
    const [grant] = grants.filter(({kind}) => kind === 'doas');
    expect(grant).toMatchObject({nodes, file: '/etc/doas.conf', amountsToRoot: true});
    give(grant!.file, grant!.lines, 'doas -C');
    const found = await ask<Access>(name, ['access'], visitor());
    for (const node of found.nodes) expect(node).toMatchObject({uid: 0, means: 'doas', partly: 0, unread: 0});
    expect(await everything(visitor())).toEqual(await everything({}));
  });

  test('--become chooses, and a wrong word of it is wrong usage', async () => {
    const found = await ask<Access>(name, ['access', '--become', 'none'], inventoryFor('oncall'));
    for (const node of found.nodes) expect(node).toMatchObject({uid: 1801, means: 'none', refusals: []});
    const {status, err} = await hoptop(name, ['access', '--become', 'su']);
    expect(status).toBe(1);
    expect(err).toBe('hoptop: --become takes auto, sudo, doas, none; this is "su".\n');
  });

  test('a password of sudo is asked for once for all nodes, in the UI', async () => {
    for (const node of nodes) {
      undo.push(() => void onNode(name, node, 'cp -p /etc/shadow.was /etc/shadow; rm -f /etc/shadow.was'));
      onNode(
        name,
        node,
        `cp -p /etc/shadow /etc/shadow.was; printf 'visitor:open sesame\\n' | chpasswd -c SHA512`,
      );
    }
    give('/etc/sudoers.d/visitor', ['visitor ALL=(root) /bin/sh'], '/usr/sbin/visudo -c -f');
    const screen = person(hoptopArgv(name, ['access', '--ui'], visitor()));
    try {
      await screen.shows('Password for sudo on ');
      await screen.press('open sesame');
      expect(await screen.frame()).not.toContain('sesame');
      await screen.press('Tab');
      await screen.shows(/^.*3 nodes, 3 read as root/m, 30);
      const frame = await screen.shows(/sudo with password/);
      expect(frame.match(/sudo with password/g)).toHaveLength(3);
    } finally {
      await screen.press('q');
      screen.kill();
      await screen.ended;
    }
  });
});
