/** Who is let in, and what is seen then: host keys, `sudo -n`, and a user without any rights. Real sshds, no terminal. */
import {copyFileSync, readFileSync, writeFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {topologies} from '../../demo/lab/topologies.ts';
import {lab, onNode} from './harness.ts';
import {ask, hoptop, labsFor, nameOf, runs, scratch} from './walk.ts';

const FILE = 'let';
const topology = topologies.find(each => each.datapath === 'routed')!;
labsFor(FILE, [topology.name]);
const name = nameOf(FILE, topology.name);

/** An inventory that logs in as this user. */
const inventoryFor = (user: string) => {
  const file = scratch(`${user}.yaml`);
  const rows = topology.nodes.map(node => `  - {name: ${node.name}, host: ${node.address}, user: ${user}}`);
  writeFileSync(file, `nodes:\n${rows.join('\n')}\n`);
  return file;
};

type Gap = {
  node?: string;
  fact: string;
  netns?: string;
  reason: string;
  reveal: string;
  details?: readonly {fact: string}[];
};
type Pods = {gaps: Gap[]; pods: {pod: string; node: string; netns?: string; addresses?: string[]}[]};
type Overview = {gaps: Gap[]; nodes: {name: string; readAs: number; pods: number; namespaces: number}[]};
type Sockets = {sockets: {node: string; state: string; local: string; localPort: number; pid?: number}[]};

describe.runIf(runs)('hoptop without a terminal', {timeout: 60_000}, () => {
  test('a user who may run sudo -n sees what root sees', async () => {
    const differently = {inventory: inventoryFor('oncall')};
    const [asRoot, asOncall] = [
      await ask<Pods>(name, ['pods']),
      await ask<Pods>(name, ['pods'], differently),
    ];
    const plain = ({pods}: Pods) =>
      pods.map(({pod, node, netns, addresses}) => ({pod, node, netns, addresses}));
    expect(plain(asOncall)).toEqual(plain(asRoot));
    expect(asOncall.pods).toHaveLength(topology.pods.length);
    expect(asOncall.gaps).toEqual([]);
    const overview = await ask<Overview>(name, ['overview'], differently);
    expect(overview.nodes.map(node => node.readAs)).toEqual([0, 0, 0]);
    const listens = async (way: {inventory?: string}) =>
      (await ask<Sockets>(name, ['sockets'], way)).sockets
        .filter(socket => socket.state === 'LISTEN')
        .map(socket => `${socket.node} ${socket.pid} ${socket.local}:${socket.localPort}`)
        .sort();
    expect(await listens(differently)).toEqual(await listens({}));
  });

  test('a user without rights is answered as far as it goes, with what would reveal the rest', async () => {
    const differently = {inventory: inventoryFor('visitor')};
    const overview = await ask<Overview>(name, ['overview'], differently);
    for (const node of overview.nodes) expect(node.readAs).toBeGreaterThan(0);
    // How many pods there are is told by control groups, and their names by their logs: everyone may read those.
    expect(overview.nodes.map(node => node.pods)).toEqual(
      topology.nodes.map(node => topology.pods.filter(pod => pod.node === node.name).length),
    );
    for (const node of topology.nodes)
      for (const fact of ['sandboxes', 'owners', 'sockets', 'network'])
        expect(
          overview.gaps.filter(
            gap =>
              gap.node === node.name &&
              gap.fact === 'rights' &&
              gap.reveal.includes('sudo -n') &&
              gap.details?.some(detail => detail.fact === fact),
          ),
          `${node.name} ${fact}`,
        ).not.toEqual([]);
    const {pods} = await ask<Pods>(name, ['pods'], differently);
    expect(pods).toHaveLength(topology.pods.length);
    const named = topology.pods.map(pod => `${pod.namespace}/${pod.name}`);
    expect(pods.map(pod => pod.pod).sort()).toEqual(named.sort());
    for (const words of [
      ['sockets'],
      ['processes'],
      ['interfaces'],
      ['routes'],
      ['node', 'worker-1'],
      ['peers', 'worker-1'],
    ]) {
      const {status, out, err} = await hoptop(name, words, differently);
      expect(status, `${words.join(' ')}: ${err}`).toBe(0);
      expect(out, words.join(' ')).toContain('sudo -n');
      expect(err).toBe('');
    }
  });

  test('a pod whose name could not be read is not said to be missing without a word on that', async () => {
    for (const node of topology.nodes) onNode(name, node.name, 'rm -r /var/log/pods');
    const {status, err} = await hoptop(name, ['pod', 'shop/db-0'], {inventory: inventoryFor('visitor')});
    expect(status).toBe(4);
    expect(err).toContain('sudo -n');
  });

  test('without a terminal an unknown host key is refused with its fingerprint', async () => {
    const knownHosts = scratch('nobody');
    const {status, out, err} = await hoptop(name, ['overview'], {knownHosts});
    expect(status).toBe(3);
    expect(out).toBe('');
    for (const node of topology.nodes) {
      const real = lab(
        'exec',
        '--name',
        name,
        node.name,
        'ssh-keygen',
        '-lf',
        '/etc/ssh/ssh_host_ed25519_key.pub',
      ).out;
      const [, fingerprint] = /(SHA256:\S+)/.exec(real)!;
      expect(err).toMatch(
        new RegExp(`^hoptop: ${node.name} could not be read: The host key of .* is not known`, 'm'),
      );
      expect(err).toContain(fingerprint);
    }
    expect(() => readFileSync(knownHosts)).toThrow('ENOENT');
  });

  test('a changed host key is refused with file, line and what to do; the other nodes answer', async () => {
    const knownHosts = scratch('old');
    copyFileSync(`/run/hoptop-lab/${name}/known_hosts`, knownHosts);
    expect(lab('hostkey', 'worker-1', '--name', name).status).toBe(0);
    const {address} = topology.nodes.find(node => node.name === 'worker-1')!;
    const line =
      readFileSync(knownHosts, 'utf8')
        .split('\n')
        .findIndex(each => each.startsWith(`${address} `)) + 1;
    const {status, out, err} = await hoptop(name, ['pods', '-o', 'json'], {knownHosts});
    expect(status).toBe(2);
    expect(err).toMatch(/^hoptop: worker-1 could not be read: The host key of .* has changed/m);
    expect(err).toContain(`${knownHosts}:${line} `);
    expect(err).toContain(`ssh-keygen -f ${knownHosts} -R '${address}'`);
    const {pods, gaps} = JSON.parse(out) as Pods;
    expect(pods.map(pod => pod.pod).sort()).toEqual(
      topology.pods
        .filter(pod => pod.node !== 'worker-1')
        .map(pod => `${pod.namespace}/${pod.name}`)
        .sort(),
    );
    expect(gaps.filter(gap => gap.node === 'worker-1')).not.toEqual([]);
  });
});
