/** A person walks a real lab in hoptop's terminal, on a real pseudo-terminal, while sshds end and host keys are asked about. */
import {readFileSync} from 'node:fs';
import {afterEach, beforeAll, describe, expect, test} from 'vitest';
import type {LabStatus} from '../../demo/lab/status.ts';
import {topologies as all} from '../../demo/lab/topologies.ts';
import {lab, podOf, sockets, statusOf} from './harness.ts';
import {type Differently, hoptopArgv, inNetns, labsFor, nameOf, placesOf, runs, scratch} from './walk.ts';
import {type Person, person} from './walk-terminal.ts';

const FILE = 'see';
/** The two shapes that differ most for a person; what the others add is tested where it matters. */
const topologies = all.filter(each => ['flannel-vxlan', 'routed'].includes(each.name)) as [
  (typeof all)[0],
  ...typeof all,
];

labsFor(
  FILE,
  topologies.map(({name}) => name),
);

const open: Person[] = [];
const sit = (name: string, words: readonly string[] = [], differently: Differently = {}) => {
  const each = person(hoptopArgv(name, words, differently));
  open.push(each);
  return each;
};
afterEach(async () => {
  for (const each of open.splice(0)) {
    each.kill('SIGKILL');
    await each.ended;
  }
});

/** Value of a line of the screen in the columns `this end` and `other end`. */
const twoEnds = (frame: string, line: string) => {
  const found = frame.split('\n').find(each => each.startsWith(` ${line} `) || each.startsWith(`>${line} `));
  return found
    ?.slice(line.length + 2)
    .trim()
    .split(/ {2,}/);
};

/** Text as a regular expression that matches it alone. */
const literal = (text: string) => text.replaceAll('.', '\\.');

describe.runIf(runs).each(topologies)('a person in $name', {timeout: 60_000}, topology => {
  const name = nameOf(FILE, topology.name);
  let status: LabStatus;

  beforeAll(() => {
    status = statusOf(name);
  });

  test('walks node, pod, veth and connection to the same connection on the other node, and back', async () => {
    const backup = podOf(status, 'data/backup-0');
    const archive = podOf(status, 'data/archive-0');
    const {pid} = placesOf(status).find(place => place.pod === 'data/backup-0')!;
    const pour = sockets(inNetns(pid, 'ss', '-tanH')).find(each => each.peer === `${archive.ip}:9000`)!;
    const there = {local: pour.peer, peer: pour.local};

    const she = sit(name);
    await she.shows(/^ hoptop .*· 3 nodes reached/);
    const nodes = await she.shows('3 nodes · 16 pods · 16 namespaces');
    for (const node of topology.nodes)
      expect(nodes).toMatch(new RegExp(`${node.name} +ready +${node.address} `));

    await she.reaches(/worker-1/);
    await she.press('Enter');
    await she.shows(/^ overview › node worker-1$/m);
    await she.reaches(/data\/backup-0/);
    expect(await she.cursor()).toContain(backup.ip);
    await she.press('Enter');
    await she.shows(/^ overview › node worker-1 › pod data\/backup-0$/m);
    const pair = await she.shows(
      topology.datapath === 'routed' ? /on node +├─ cali\w+/ : /on node +├─ veth\w+/,
    );
    expect(pair).toMatch(/joined by +proven: index \d+ points to \d+ and that points back/);
    if (topology.datapath === 'flannel-vxlan') expect(pair).toMatch(/bridge +├─ cni0/);
    await she.reaches(/in pod +├─ eth0 /);
    await she.press('Enter');
    await she.shows(/› link data\/backup-0:eth0$/m);
    await she.press('Tab');
    await she.shows('[Connections 1]');
    expect(await she.cursor()).toMatch(new RegExp(`${literal(pour.local)} +${literal(pour.peer)} +ESTAB`));
    await she.press('Enter');

    const first = await she.shows(/^ address +\S+ +\S+$/m);
    expect(twoEnds(first, 'address')).toEqual([pour.local, pour.peer]);
    expect(twoEnds(first, 'node')).toEqual(['worker-1', 'worker-2']);
    expect(twoEnds(first, 'pod')).toEqual(['data/backup-0', 'data/archive-0']);
    expect(first).toMatch(/^ join +proven /m);

    await she.press('o');
    const second = await she.shows(new RegExp(`^ address +${literal(there.local)} `, 'm'));
    for (const line of ['address', 'node', 'pod', 'container', 'process', 'interface', 'host link', 'netns'])
      expect(twoEnds(second, line), line).toEqual(twoEnds(first, line)!.toReversed());

    await she.press('e');
    const evidence = await she.shows('ss -tunaieH');
    expect(evidence).toMatch(/^ worker-2, netns \d+: sockets, sweep \d+/m);
    expect(evidence).toMatch(/^ \$ .*\bss -tunaieH/m);
    expect(evidence).toMatch(
      new RegExp(`│ tcp +ESTAB +\\d+ +\\d+ +${literal(there.local)} +${literal(there.peer)} .*ino:\\d+`),
    );
    await she.press('Esc');
    await she.shows(new RegExp(`^ address +${literal(there.local)} `, 'm'));
    await she.press('Esc');
    expect(twoEnds(await she.shows(new RegExp(`^ address +${literal(pour.local)} `, 'm')), 'node')).toEqual([
      'worker-1',
      'worker-2',
    ]);
    await she.press('Esc');
    await she.shows('[Connections 1]');
    // Three quick ones, in one piece as over a slow link.
    await she.press('\u001b\u001b\u001b');
    await she.shows(/^ overview$/m);
    expect(await she.cursor()).toContain('worker-1');
    await she.press('q');
    expect(await she.ended).toBe(0);
  });
});

describe.runIf(runs)('a person while nodes come and go', {timeout: 60_000}, () => {
  const [{name: flannel}] = topologies;
  const name = nameOf(FILE, flannel);

  test('a node whose sshd ends is lost with its cause, the others stay fresh, and it comes back', async () => {
    const she = sit(name);
    await she.shows(/^ hoptop .*· 3 nodes reached/);
    await she.shows(/worker-1 +ready +10/);
    expect(lab('sshd', 'worker-1', 'stop', '--name', name).status).toBe(0);
    const lost = await she.shows(/2 of 3 nodes reached, 1 lost/, 10);
    expect(lost).toMatch(/nodes {2}worker-1: (lost|connecting|waiting)/);
    await she.press('n');
    const why = await she.shows(/worker-1[\s\S]*(refused|closed|ended)/);
    expect(why).toContain('10.44.0.12');
    await she.press('Esc');
    // Long enough for data that is not read any more to show its age.
    const aged = await she.shows(/worker-1 +.* ([4-9]|\d\d)s /, 15);
    expect(aged).toMatch(/cp-1 +ready .* [0-3]s /);
    expect(aged).toMatch(/worker-2 +ready .* [0-3]s /);
    expect(lab('sshd', 'worker-1', 'start', '--name', name).status).toBe(0);
    await she.shows(/^ hoptop .*· 3 nodes reached/, 25);
    await she.shows(/worker-1 +(ready|back) .* [0-3]s /);
    await she.press('q');
    expect(await she.ended).toBe(0);
  });

  test('unknown host keys are asked about with their fingerprint, and remembered after y', async () => {
    const knownHosts = scratch('known_hosts');
    const she = sit(name, [], {knownHosts});
    const asked = new Set<string>();
    for (let n = 0; n < 3; n++) {
      const frame = await she.shows(
        new RegExp(`Is this really (?!${[...asked].join('|') || 'none'})\\S+\\?[\\s\\S]*ED25519 SHA256:`),
      );
      const [, node] = /Is this really (\S+?)\?/.exec(frame)!;
      const [, fingerprint] = /ED25519 (SHA256:\S+)/.exec(frame)!;
      const real = lab(
        'exec',
        '--name',
        name,
        alias(node!),
        'ssh-keygen',
        '-lf',
        '/etc/ssh/ssh_host_ed25519_key.pub',
      );
      expect(real.out).toContain(` ${fingerprint} `);
      asked.add(literal(node!));
      await she.press('y');
    }
    await she.shows(/^ hoptop .*· 3 nodes reached/);
    const written = readFileSync(knownHosts, 'utf8').trim().split('\n').sort();
    const known = readFileSync(`/run/hoptop-lab/${name}/known_hosts`, 'utf8').trim().split('\n');
    const keys = (lines: string[]) => lines.map(line => line.split(' ').slice(0, 3).join(' ')).sort();
    expect(keys(written)).toEqual(keys(known));
    await she.press('q');
    expect(await she.ended).toBe(0);
  });

  /** The lab's name of a node that hoptop may call by its address. */
  const alias = (node: string) =>
    topologies[0]!.nodes.find(each => each.name === node || each.address === node)!.name;
});
