/** hoptop leaves nothing behind on a node: no process and no file, whether it is closed or killed. */
import {existsSync} from 'node:fs';
import {resolve} from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import {topologies} from '../../demo/lab/topologies.ts';
import {onNode} from './harness.ts';
import {hoptopArgv, labsFor, nameOf, runs, until} from './walk.ts';
import {type Person, person} from './walk-terminal.ts';

const FILE = 'end';
const topology = topologies.find(each => each.datapath === 'flannel-vxlan')!;
labsFor(FILE, [topology.name]);
const name = nameOf(FILE, topology.name);

/** `pid command line` of all that runs on a node outside of pods, but for what looks. */
const processesOn = (node: string): string[] =>
  onNode(
    ...[name, node],
    `for p in /proc/[0-9]*; do
       pid=\${p#/proc/}; [ "$pid" = $$ ] && continue
       grep -qs kubepods $p/cgroup && continue
       args=$(tr '\\000' ' ' < $p/cmdline 2>/dev/null) || continue
       [ -n "$args" ] && printf '%s %s\\n' "$pid" "$args"
     done; true`,
  )
    .split('\n')
    // The listener's title says how many are logging in; it is the same process.
    .filter(line => line !== '' && !/^\d+ sshd: .*\[listener\]/.test(line))
    // What looks has children of its own for an instant.
    .filter(line => !line.includes('args=$(tr'));

/** Where a user, a shell or a tool would leave a file; each is a file system of its own. */
const STAMP = '/run/walk-stamp';
const PLACES = ['/', '/run', '/tmp', '/dev/shm'];
/** Large, and nobody's place for a file by the way. */
const PRUNED = [
  resolve(import.meta.dirname, '../..'),
  '/usr',
  '/proc',
  '/sys',
  '/root/.npm',
  '/root/.cache',
  '/var/cache',
  '/var/lib/dpkg',
  '/var/lib/apt',
];
/** What sshd, containerd and pods write by themselves at a login or while they run. */
const THEIRS =
  /^\/(var\/log\/(pods|wtmp|btmp|lastlog|containerd\.log|auth\.log)|run\/(utmp|sshd|motd\.dynamic|sudo|containerd|user)\b|var\/lib\/containerd\b|run\/walk-stamp$)/;

/** Files and directories of a node that are newer than the stamp and that the machine below it does not have. */
const writtenOn = (node: string): string[] =>
  onNode(
    ...[name, node],
    `find ${PLACES.join(' ')} -xdev -maxdepth 6 \\( ${PRUNED.map(path => `-path ${path}`).join(' -o ')} -o -name node_modules \\) -prune -o ` +
      `\\( -newer ${STAMP} -o -cnewer ${STAMP} \\) -print; true`,
  )
    .split('\n')
    .filter(path => path !== '' && !THEIRS.test(path))
    // A node's root shows the machine's own below; /run, /tmp and /dev/shm are the node's alone.
    .filter(path => /^\/(run|tmp|dev)\//.test(path) || !existsSync(path));

describe.runIf(runs)('after hoptop', {timeout: 100_000}, () => {
  const nodes = topology.nodes.map(node => node.name);
  const before = new Map<string, string[]>();

  beforeAll(async () => {
    // The lab's own daemons settle first.
    await until(10, () => {
      for (const node of nodes) {
        before.set(node, processesOn(node));
        expect(processesOn(node)).toEqual(before.get(node));
      }
    });
    for (const node of nodes) onNode(name, node, `touch ${STAMP}; sleep 0.02`);
  });

  const added = (node: string) => processesOn(node).filter(line => !before.get(node)!.includes(line));

  /** Walks far enough that every kind of read has run, and stays while it is looked at. */
  const walk = async (): Promise<Person> => {
    const she = person(hoptopArgv(name, []));
    await she.shows('3 nodes · 16 pods · 16 namespaces');
    await she.press('Enter');
    await she.shows(/› node cp-1$/m);
    for (const node of nodes) {
      const running = added(node);
      expect(
        running.filter(line => line.includes('sshd: root')),
        node,
      ).not.toEqual([]);
      // The shell that reads for it.
      expect(
        running.filter(line => !line.includes('sshd: ')),
        node,
      ).not.toEqual([]);
    }
    return she;
  };

  const emptied = async () => {
    const started = Date.now();
    await until(70, () => {
      for (const node of nodes) expect(added(node), node).toEqual([]);
    });
    return ((Date.now() - started) / 1000).toFixed(1);
  };

  test('is closed with q, no process of it stays on any node', async () => {
    const she = await walk();
    await she.press('q');
    expect(await she.ended).toBe(0);
    console.log(`nothing left ${await emptied()} s after q`);
  });

  test('is killed, no process of it stays on any node', async () => {
    const she = await walk();
    she.kill('SIGKILL');
    await she.ended;
    console.log(`nothing left ${await emptied()} s after SIGKILL`);
  });

  test('no file of it is on any node', () => {
    for (const node of nodes) {
      expect(writtenOn(node), node).toEqual([]);
      // That one would be found.
      const planted = ['/tmp/planted', '/var/tmp/planted', '/root/planted'];
      onNode(name, node, `touch ${planted.join(' ')}`);
      expect(writtenOn(node).sort()).toEqual(planted.toSorted());
    }
  });
});
