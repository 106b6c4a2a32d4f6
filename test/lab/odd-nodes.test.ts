/**
 * Nodes that are not as they should be, over real SSH: a clock that is off; names that are meant to break something; /proc
 * with hidepid, no /sys, nothing that can be written.
 */
import {globSync, writeFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {connectCri} from '../../demo/lab/cri.ts';
import {startPod} from '../../demo/lab/pods.ts';
import {topologies} from '../../demo/lab/topologies.ts';
import {lab, onNode, ssh, statusOf} from './harness.ts';
import {ask, hoptop, labsFor, nameOf, runs, scratch, until} from './walk.ts';

const FILE = 'odd';
const topology = topologies.find(each => each.name === 'host-gw')!;
labsFor(FILE, [topology.name]);
const name = nameOf(FILE, topology.name);

type Gap = {node: string; fact: string; reason: string; details?: {fact: string; reason: string}[]};
type Overview = {
  gaps: Gap[];
  nodes: {name: string; pods: number; clock?: {low: number; high: number; text?: string}}[];
};
type Sockets = {sockets: {node: string; state: string; pid?: number}[]};
type Mesh = {flows: {from: {node: string}; to: {node: string}; grade: string}[]};
type Processes = {processes: {pid: number; name: string; command: string}[]};
type Interfaces = {interfaces: {name: string}[]};
type Pods = {pods: {pod: string; containers: string[]; netns?: string; addresses?: string[]}[]};
type Process = {process: {start: string; age: number}};

/** A shell script for every session on a node, before anything else: what sshd gives them for an environment. */
const withEnvironment = async (node: string, text: string) => {
  onNode(name, node, `echo 'SetEnv ${text}' >>/etc/ssh/sshd_config`);
  expect(lab('sshd', node, 'stop', '--name', name).status).toBe(0);
  expect(lab('sshd', node, 'start', '--name', name).status).toBe(0);
  await until(10, async () => expect((await hoptop(name, ['overview'])).status).toBe(0));
};

describe.runIf(runs)('odd nodes', {timeout: 60_000}, () => {
  // All programs of its sessions are told a time that is off, by faketime(1)'s library. Kernel and boot time are not.
  test('a clock that is off is said with how much, and nothing that is joined or counted follows it', async () => {
    const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
    expect(library, 'the Debian package libfaketime').toBeDefined();
    await withEnvironment('cp-1', `LD_PRELOAD=${library} FAKETIME=-3725`);
    const {nodes, gaps} = await ask<Overview>(name, ['overview']);
    const clock = nodes.find(node => node.name === 'cp-1')!.clock!;
    expect(clock.low).toBeLessThanOrEqual(-3724);
    expect(clock.high).toBeGreaterThanOrEqual(-3726);
    expect(clock.text).toMatch(/^1 h 02 min behind$/);
    expect(gaps.filter(gap => gap.fact === 'clock').map(gap => gap.reason)).toEqual([
      expect.stringMatching(/^cp-1's clock is 1 h 02 min behind this machine's/),
    ]);
    for (const node of nodes)
      if (node.name !== 'cp-1') {
        expect(node.clock!.text).toBeUndefined();
        expect(node.clock!.low).toBeLessThan(1);
        expect(node.clock!.high).toBeGreaterThan(-1);
      }
    const {out} = await hoptop(name, ['overview']);
    expect(out).toMatch(/^NAME .* CLOCK /m);
    expect(out).toMatch(/^cp-1 .* 1 h 02 min behind /m);
    // Connections between it and the others are joined all the same, and both ends are of one moment.
    const {flows} = await ask<Mesh>(name, ['mesh', '4240']);
    expect(
      flows.filter(({from, to}) => (from.node === 'cp-1') !== (to.node === 'cp-1')).length,
    ).toBeGreaterThan(3);
    for (const flow of flows) expect(flow.grade).toBe('proven');
    // How long a process runs is counted by the node's own uptime.
    const {process} = await ask<Process>(name, ['process', 'cp-1:1']);
    const uptime = Number(onNode(name, 'cp-1', 'cut -d. -f1 /proc/uptime').trim());
    expect(process.age).toBeGreaterThan(0);
    expect(process.age).toBeLessThanOrEqual(uptime);
    // A library that is loaded before all others holds files: sockets are read nevertheless.
    const {sockets} = await ask<Sockets>(name, ['sockets', 'cp-1']);
    expect(sockets.filter(socket => socket.node === 'cp-1' && socket.pid !== undefined)).not.toEqual([]);
    expect(gaps.filter(gap => gap.fact === 'sockets')).toEqual([]);
  });

  const NAMES = [
    ...[
      'a\nb',
      'c\u001b[31mred',
      'q"u\'o`te',
      'sp  ace',
      '한국어',
      '🐳🚀',
      'x) S 1 1 1',
      '(paren (',
      'tab\there',
    ],
    ...['$(touch /pwned)', '7/stat:7 (f) S', 'nl\n1 (x) S 0 1'],
  ];
  const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

  test('names of processes, interfaces, control groups and namespaces that are meant to break something', async () => {
    const node = 'worker-1';
    // Each in an argument of its own, through a shell that only ever sees them quoted.
    const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
    const idle = `printf %s "$0" >/proc/$$/comm; while :; do sleep 86399; done`;
    onNode(
      name,
      node,
      [
        ...NAMES.map(
          odd =>
            `setsid sh -c ${quoted(idle)} ${quoted(odd)} </dev/null >/dev/null 2>&1 & echo $! >>/tmp/odd`,
        ),
        `ip link add ${quoted('한"$x;\u001b[1m')} type veth peer name ${quoted("🐳`'\\")}`,
        `ip link set ${quoted('한"$x;\u001b[1m')} alias ${quoted('al "i"\u001b]0;title\u0007 as\nnew 한국')}`,
        'd=/sys/fs/cgroup; [ -e $d/cgroup.procs ] || d=/sys/fs/cgroup/systemd',
        `mkdir "$d"/${quoted('odd \u001b[31m "한국"\n0::/kubepods/podx')}`,
        `head -n 1 /tmp/odd >"$d"/${quoted('odd \u001b[31m "한국"\n0::/kubepods/podx')}/cgroup.procs`,
        `ip netns add plain; for n in ${quoted('sp ace')} ${quoted('new\nline')} ${quoted('\u001b[31mred')}; do`,
        ': >"/run/netns/$n" && unshare --net="/run/netns/$n" true; done',
      ].join('\n'),
    );
    // What containerd takes for a name: the kubelet would not, others (crictl) may.
    const {pid} = statusOf(name).nodes.find(one => one.name === node)!;
    const cri = connectCri(`/proc/${pid}/root/run/containerd/containerd.sock`);
    const ODD = [
      ['odd', '한국-🐳', 'c\u001b[31m'],
      ['odd "ns"', 'q"u\'o <b>&', 'ctr "x" 한국'],
      ['odd', 'esc\u001b[2J\u0007', '\u202ertl'],
    ] as const;
    for (const [i, [namespace, pod, container]] of ODD.entries()) {
      const run = {command: ['/bin/sleep', '90000']};
      const plan = {namespace, name: pod, app: 'odd', node, containers: [{name: container, run}]};
      await startPod(cri, plan, `61111111-2222-4333-8444-55555555555${i}`, word => word);
    }
    cri.close();
    const pids = onNode(name, node, 'cat /tmp/odd').trim().split('\n').map(Number);
    const {processes} = await until(10, async () => {
      const found = await ask<Processes>(name, ['processes', node]);
      const byPid = new Map(found.processes.map(row => [row.pid, row]));
      expect(pids.map(pid => byPid.get(pid)?.name)).toEqual(NAMES);
      return found;
    });
    for (const [i, pid] of pids.entries())
      expect(processes.find(row => row.pid === pid)!.command.endsWith(NAMES[i]!), NAMES[i]).toBe(true);
    const {pods} = await ask<Pods>(name, ['pods', node]);
    for (const [namespace, pod, container] of ODD)
      expect(pods.find(row => row.pod === `${namespace}/${pod}`)?.containers, pod).toEqual([container]);
    const {interfaces} = await ask<Interfaces>(name, ['interfaces', node]);
    expect(interfaces.filter(row => /한|🐳/.test(row.name)).map(row => row.name)).toHaveLength(2);
    expect(interfaces.find(row => row.name.startsWith('한'))!.name).toBe('한"$x;\u001b[1m');
    for (const words of [
      ['overview'],
      ...['node', 'interfaces', 'sockets', 'processes', 'routes', 'pods', 'peers'].map(word => [word, node]),
      ...pids.slice(0, 2).map(pid => ['process', `${node}:${pid}`]),
      ['pod', 'odd/esc\u001b[2J\u0007'],
      ['link', `${node}/한"$x;\u001b[1m`],
      ['mesh'],
      ['services'],
    ]) {
      const {status, out, err} = await hoptop(name, words);
      expect(status, `${words.join(' ')}: ${err}`).toBe(0);
      expect(CONTROLS.exec(out.replaceAll('\n', ''))?.[0], words.join(' ')).toBeUndefined();
      expect(err).toBe('');
    }
    expect(onNode(name, node, 'ls /pwned 2>/dev/null || echo none')).toBe('none\n');
  });

  test('/proc with hidepid: root sees all, another user is told that he does not', async () => {
    const node = 'worker-2';
    const before = await ask<Overview>(name, ['overview']);
    onNode(name, node, 'mount -o remount,hidepid=2 /proc');
    const after = await ask<Overview>(name, ['overview']);
    const row = ({nodes}: Overview) => nodes.find(one => one.name === node)!;
    expect(row(after).pods).toBe(row(before).pods);
    expect(after.gaps.filter(gap => gap.node === node)).toEqual([]);
    const inventory = scratch('visitors.yaml');
    const rows = topology.nodes.map(one => `  - {name: ${one.name}, host: ${one.address}, user: visitor}`);
    writeFileSync(inventory, `nodes:\n${rows.join('\n')}\n`);
    const {gaps} = await ask<Overview>(name, ['overview'], {inventory});
    const details = (of: string) =>
      gaps
        .find(gap => gap.node === of && gap.fact === 'rights')!
        .details!.filter(({reason}) => reason.includes('hidepid'))
        .map(({fact}) => fact);
    expect(details(node).sort()).toEqual(['memberships', 'processes']);
    expect(details('cp-1')).toEqual([]);
  });

  test('nothing that can be written, and no /sys', async () => {
    const node = 'worker-2';
    const whole = await ask<Pods>(name, ['pods', node]);
    expect(lab('sshd', node, 'stop', '--name', name).status).toBe(0);
    // In mounts of its own: nobody writes there yet, who would have to stop first.
    const mounts = 'for m in / /tmp /run /dev/shm; do mount -o remount,bind,ro $m; done; umount -l /sys';
    onNode(name, node, `unshare -m sh -c '${mounts}; exec /usr/sbin/sshd' >/dev/null 2>&1 </dev/null`);
    const {address} = topology.nodes.find(one => one.name === node)!;
    const tried = await until(10, () => {
      const said = ssh(name, 'root', address, 'ls /sys; : >/tmp/x; : >/x; : >/run/x');
      expect(said.err).toContain('Read-only');
      return said;
    });
    expect([tried.out, tried.err.match(/Read-only file system/g)?.length]).toEqual(['', 3]);
    const poor = await ask<Pods>(name, ['pods', node]);
    const plain = ({pods}: Pods) => pods.map(({pod, netns, addresses}) => ({pod, netns, addresses}));
    expect(plain(poor)).toEqual(plain(whole));
    const {gaps} = await ask<Overview>(name, ['overview']);
    expect(gaps.filter(gap => gap.node === node)).toEqual([]);
    for (const words of [
      ['node', node],
      ['sockets', node],
      ['interfaces', node],
    ]) {
      const {status, out, err} = await hoptop(name, words);
      expect(status, `${words.join(' ')}: ${err}`).toBe(0);
      expect(out).not.toContain('NOT SEEN');
    }
  });
});
