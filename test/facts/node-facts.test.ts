import {describe, expect, test} from 'vitest';
import {COUNTERS} from '../../source/facts/counters.ts';
import {FINGERPRINTS} from '../../source/facts/fingerprints.ts';
import {IDENTITY, parseIdentity} from '../../source/facts/identity.ts';
import {MEMBERSHIPS, parseMemberships} from '../../source/facts/memberships.ts';
import {NAMESPACES, parseNamespaces} from '../../source/facts/namespaces.ts';
import {NSIDS} from '../../source/facts/nsids.ts';
import {OWNERS, parseOwners} from '../../source/facts/owners.ts';
import {PROCESSES, parseProcesses} from '../../source/facts/processes.ts';
import {NETNS_SYSCTLS, parseSysctls, SYSCTLS} from '../../source/facts/sysctls.ts';
import {bytes, emptySnapshot, fixture, reply, textAt} from './samples.ts';

const namespaces = fixture('node/node-a.namespaces.txt');
const members = NAMESPACES.contribute(reply('namespaces', namespaces, {exit: 1}), emptySnapshot()).node!;
const known = emptySnapshot(members);
const host = members.hostNetns!;
const pod = members.members!.value.find(member => member.path === '/run/netns/cni-0a1b')!.netns;

describe('namespaces', () => {
  test('members by process and by mount; a mount that is gone is none', () => {
    const {rows, problems} = parseNamespaces(namespaces);
    expect(problems).toEqual([]);
    expect(rows.filter(row => row.netns === pod).map(row => row.path ?? 'a process')).toEqual([
      'a process',
      '/run/netns/cni-0a1b',
      '/var/run/netns/cni-0a1b',
    ]);
    expect(rows.some(row => row.path === '/run/netns/fabric')).toBe(true);
    expect(rows.some(row => row.path?.endsWith('/gone'))).toBe(false);
    expect(host).toBe(rows.find(row => row.pid === 1)!.netns);
    for (const row of rows) expect(textAt(namespaces, row)).toContain(` ${row.netns} `);
  });

  test('without pid 1 the shell tells the host namespace; with nothing there is a gap', () => {
    expect(parseNamespaces(bytes('4 77 /proc/self/ns/net\n4 78 /proc/9/ns/net\n')).host).toBe('77');
    // As an ordinary user (coreutils 9.1): a file of each namespace stands for it, mounts cannot be joined with that.
    const ordinary = parseNamespaces(
      bytes(
        '4 4026537624 /proc/self/ns/net\n22 4026537630 /proc/self/net/dev\n22 4026537630 /proc/1/net/dev\n' +
          '22 4026537857 /proc/194/net/dev\n4 4026537624 /proc/1159/ns/net\n4 4026537851 /run/netns/cni-0306\n',
      ),
    );
    expect(ordinary.host).toBe('4026537624');
    expect(ordinary.rows.map(({netns, pid, path}) => [netns, pid, path])).toEqual([
      ['4026537624', 1, undefined],
      ['4026537857', 194, undefined],
    ]);
    const none = NAMESPACES.contribute(reply('namespaces', '', {exit: 1}), emptySnapshot());
    expect(none.node).toBeUndefined();
    expect(none.gaps).toHaveLength(1);
  });

  test('an ordinary user is told what is not seen', () => {
    const {identity} = parseIdentity(bytes('hostname=a\nkernel=6.1\nuid=1000\n'));
    const asked = emptySnapshot({identity: {sweep: 1, at: '', uptime: 1, value: identity!}});
    const gaps = NAMESPACES.contribute(reply('namespaces', namespaces, {exit: 1}), asked).gaps!;
    expect(gaps).toHaveLength(1);
    expect(gaps[0]!.reveal).toContain('sudo -n');
  });
});

test('identity', () => {
  const {node, gaps} = IDENTITY.contribute(
    reply('identity', fixture('node/node-a.identity.txt')),
    emptySnapshot(),
  );
  expect(gaps).toEqual([]);
  expect(node!.identity!.value).toMatchObject({
    hostname: 'node-a',
    machineId: '00112233445566778899aabbccddeeff',
    os: 'Debian GNU/Linux 12 (bookworm)',
    arch: 'x86_64',
    uid: 0,
    cpus: 2,
    bootTime: 1795466628,
  });
  expect(parseIdentity(bytes('hostname=a\nkernel=6.1\n')).identity).toBeUndefined();
  const named = (line: string) =>
    parseIdentity(bytes(`hostname=a\nkernel=6.1\nuid=0\n${line}\n`)).identity?.runtimes;
  // As containerd 1.6.20 of Debian 12 says it.
  const containerd = 'containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3';
  expect(named(`containerd=${containerd}`)).toEqual(['containerd://1.6.20~ds1']);
  // As dockerd 20.10.24 of Debian 12 says it; both are there, since Docker runs by containerd.
  expect(named(`containerd=${containerd}\ndocker=Docker version 20.10.24+dfsg1, build 5d6db84`)).toEqual([
    'containerd://1.6.20~ds1',
    'docker://20.10.24+dfsg1',
  ]);
  // As `crio --version` begins (cri-o v1.36.0, cmd/crio, internal/version).
  expect(named('crio=crio version 1.36.0')).toEqual(['cri-o://1.36.0']);
  expect(named('containerd=')).toBeUndefined();
  const redacted = new TextDecoder().decode(IDENTITY.redact(fixture('node/node-a.identity.txt')));
  expect(redacted).not.toContain('00112233445566778899aabbccddeeff');
  expect(redacted).toMatch(/^machine-id=[0-9a-f]{32}$/m);
});

describe('processes', () => {
  const sample = fixture('node/node-a.processes.txt');

  test('name, parent, user, state, start and arguments', () => {
    const {rows, problems} = parseProcesses(sample, 1795466628);
    expect(problems).toEqual([]);
    expect(
      rows.map(({pid, ppid, user, name, state, command}) => ({pid, ppid, user, name, state, command})),
    ).toEqual([
      {pid: 65, ppid: 1, user: 'root', name: 'sleep', state: 'S', command: 'worker (two words) 902'},
      {pid: 66, ppid: 1, user: 'root', name: 'sleep', state: 'SN', command: 'sleep 903'},
      {
        pid: 67,
        ppid: 1,
        user: 'root',
        name: 'bash',
        state: 'S',
        command: 'bash -c sleep 904; : report 한글 line one\nline two',
      },
      {pid: 69, ppid: 67, user: 'root', name: 'sleep', state: 'S', command: 'sleep 904'},
      {pid: 71, ppid: 1, user: 'root', name: 'sleep', state: 'S', command: 'sleep 900'},
    ]);
    expect(rows[0]!.start).toBe(new Date(1795466628_000 + 2860_970).toISOString());
    expect(parseProcesses(sample).rows[0]!.start).toBe('boot+2860.97');
    expect(textAt(sample, rows[2]!)).toMatch(/^67\/cmdline:bash[\s\S]*line two\0$/);
  });

  test('a name with brackets and blanks, a kernel thread, a zombie, an unknown user', () => {
    const {rows, problems} = parseProcesses(
      bytes(
        [
          '7/status:Uid:\t12345',
          '7/stat:7 (a) R 1 (b) S 1 7 7 34816 7 4194304 0 0 0 0 0 0 0 0 20 -5 3 0 100',
          '8/stat:8 (kworker/0:0H-events) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 0 -20 1 0 24',
          '9/stat:9 (sh) Z 1 0 0 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 200',
          '',
        ].join('\n'),
      ),
    );
    expect(problems).toEqual([]);
    expect(rows.map(row => [row.name, row.state, row.user, row.command, row.ppid])).toEqual([
      ['a) R 1 (b', 'S<sl+', '12345', '[a) R 1 (b]', 1],
      ['kworker/0:0H-events', 'I<', '?', '[kworker/0:0H-events]', 2],
      ['sh', 'Z', '?', '[sh] <defunct>', 1],
    ]);
  });

  test('start is the same text at every sweep, counted from the boot time that was read once', () => {
    const {identity} = parseIdentity(fixture('node/node-a.identity.txt'));
    const soFar = emptySnapshot({identity: {sweep: 1, at: '', uptime: 1, value: identity!}});
    const at = (uptime: number, when: string) =>
      PROCESSES.contribute(reply('processes', sample, {uptime, at: when}), soFar).node!.processes!.value[0]!
        .start;
    expect(at(2900, '2026-11-23T21:32:00.000Z')).toBe(at(9000.37, '2026-11-24T00:00:00.900Z'));
  });
});

describe('owners', () => {
  test('sorted by inode; both spellings of the path', () => {
    const {owners, problems} = parseOwners(
      bytes('1346/fd/3 socket:[394664]\n/proc/22/fd/6 socket:[17]\n9/fd/1024 socket:[4294967295]\n'),
    );
    expect(problems).toEqual([]);
    expect(owners.count).toBe(3);
    expect([...owners.inode]).toEqual([17, 394664, 4294967295]);
    expect([...owners.pid]).toEqual([22, 1346, 9]);
    expect([...owners.fd]).toEqual([6, 3, 1024]);
  });

  test('lines that are something else are counted, not taken', () => {
    const {owners, problems} = parseOwners(
      bytes('find: 1 2 3\n1/fd/2 socket:[3]\n1/fd/2 pipe:[3]x\n1/fd/2\n'),
    );
    expect(owners.count).toBe(1);
    expect(problems).toEqual(['3 lines that name no process, descriptor and socket.']);
  });

  test('what a real node said', () => {
    const {node, gaps} = OWNERS.contribute(
      reply('owners', fixture('node/node-a.owners.txt')),
      emptySnapshot(),
    );
    expect(gaps).toEqual([]);
    const {count, inode} = node!.owners!.value;
    expect(count).toBeGreaterThan(2);
    for (let i = 1; i < count; i += 1) expect(inode[i]).toBeGreaterThanOrEqual(inode[i - 1]!);
  });
});

describe('memberships', () => {
  const id = 'f7d7682333166dac4968eb0ebd2303c2e891c12bdd19ec8dbdaa6f4f7da634c4';
  const other = '19ea7db8e95f244bb457b07dab317f9eb17ba9ce76a6c681e4c56ff85a4f2e3c';
  const uid = 'd3e3e1a9-c8a0-4f23-b783-2889138ff722';
  const under = uid.replaceAll('-', '_');
  test.each([
    ['cgroupfs, v1, a root per node', `1:cpu:/atlas/kubepods/besteffort/pod${uid}/${id}`, id, uid],
    [
      'systemd, burstable',
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${under}.slice/cri-containerd-${id}.scope`,
      id,
      uid,
    ],
    [
      'systemd, guaranteed, CRI-O with crun',
      `0::/kubepods.slice/kubepods-pod${under}.slice/crio-${id}.scope/container`,
      id,
      uid,
    ],
    ['cri-dockerd', `0::/kubepods.slice/kubepods-pod${under}.slice/docker-${id}.scope`, id, uid],
    ['kind: a node that is a container', `0::/docker/${other}/kubelet/kubepods/pod${uid}/${id}`, id, uid],
    [
      'a static pod',
      `0::/kubepods/burstable/pod0123456789abcdef0123456789abcdef/${id}`,
      id,
      '0123456789abcdef0123456789abcdef',
    ],
    ['plain Docker', `0::/system.slice/docker-${id}.scope`, id, undefined],
    [
      'containerd, cgroup as runc names it',
      `9:name=systemd:/kubepods-pod${under}.slice:cri-containerd:${id}`,
      id,
      uid,
    ],
  ])('%s', (_, path, container, pod) => {
    const {rows, problems} = parseMemberships(bytes(`2928/cgroup:${path}\n`));
    expect(problems).toEqual([]);
    expect(rows).toMatchObject([{pid: 2928, container}]);
    expect(rows[0]!.uid).toBe(pod);
  });

  test('a monitor is not in the container; pods without a name are a gap', () => {
    const {rows} = parseMemberships(
      bytes(`7/cgroup:0::/kubepods.slice/kubepods-pod${under}.slice/crio-conmon-${id}.scope\n`),
    );
    expect(rows).toEqual([]);
    const line = `2928/cgroup:1:cpu:/kubepods/pod${uid}/${id}\n`;
    const {gaps} = MEMBERSHIPS.contribute(reply('memberships', line), emptySnapshot());
    expect(gaps).toHaveLength(1);
    expect(gaps![0]!.reason).toBe(`1 pod has no name on node node-a: only control groups tell of ${uid}.`);
  });
});

describe('counters, fingerprints, nsids and settings find their namespace', () => {
  test('counters', () => {
    const {netns, gaps} = COUNTERS.contribute(reply('counters', fixture('node/node-a.counters.txt')), known);
    expect(gaps).toEqual([]);
    expect([...netns!.get(pod)!.counters!.value.keys()]).toEqual(['lo', 'eth0']);
    expect(netns!.get(pod)!.counters!.value.get('eth0')!.rxPackets).toBeGreaterThan(0);
    expect(netns!.get(host)!.counters!.value.has('flannel.1')).toBe(true);
  });

  test('a wide number touches the name', () => {
    const line = '/proc/65/net/dev:eth0:123456789 1 2 3 0 0 0 0 4 5 6 7 0 0 0 0\n';
    const {netns} = COUNTERS.contribute(reply('counters', line), known);
    expect(netns!.get(host)!.counters!.value.get('eth0')).toEqual({
      rxBytes: 123456789,
      rxPackets: 1,
      rxErrors: 2,
      rxDropped: 3,
      txBytes: 4,
      txPackets: 5,
      txErrors: 6,
      txDropped: 7,
    });
  });

  test('a namespace whose process ended in between is a gap', () => {
    const {netns, gaps} = COUNTERS.contribute(reply('counters', '', {exit: 1}), known);
    expect(netns!.size).toBe(0);
    expect(gaps!.map(gap => gap.netns).sort()).toEqual([host, pod].sort());
  });

  test('fingerprints by namespace, and one for the node', () => {
    const {node, gaps} = FINGERPRINTS.contribute(
      reply('fingerprints', fixture('node/node-a.fingerprints.txt')),
      known,
    );
    expect(gaps).toEqual([]);
    expect([...node!.fingerprints!.value.keys()].sort()).toEqual([host, pod, 'node'].sort());
  });

  test('nsids lead to inodes through the names of mounts', () => {
    const {netns} = NSIDS.contribute(reply('nsids', fixture('node/node-a.nsids.txt')), known);
    expect([...netns!.get(host)!.nsids!.value.values()]).toContain(pod);
  });

  test('settings', () => {
    const out = fixture('node/node-a.sysctls.txt');
    const {netns, gaps} = SYSCTLS.contribute(reply('sysctls', out, {exit: 2}), known);
    expect(gaps).toEqual([]);
    const rows = netns!.get(host)!.sysctls!.value;
    expect(rows.find(row => row.name === 'net.ipv4.conf.flannel/1.rp_filter')).toBeDefined();
    expect(rows.find(row => row.name === 'net.ipv4.ip_forward')!.value).toMatch(/^[01]$/);
    for (const row of rows) expect(textAt(out, row).endsWith(`:${row.value}`)).toBe(true);
    expect(parseSysctls(bytes('/proc/sys/net/ipv4/conf/eth0.100/rp_filter:2\n')).rows[0]).toMatchObject({
      name: 'net.ipv4.conf.eth0/100.rp_filter',
      value: '2',
    });
    const inPod = NETNS_SYSCTLS.contribute(
      reply('netns-sysctls', fixture('node/pod.netns-sysctls.txt'), {netns: pod}),
      known,
    );
    expect(inPod.netns!.get(pod)!.sysctls!.value.some(row => row.name.endsWith('eth0.rp_filter'))).toBe(true);
  });
});

describe('names of processes that look like something else', () => {
  const stat = ' S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100';
  const namesOf = (text: string) => {
    const {rows, problems} = parseProcesses(bytes(text), 1_000_000);
    return {problems, rows: rows.map(({pid, name, state}) => [pid, name, state])};
  };

  test.each([
    ['a line feed', `7/stat:7 (a\n7/stat:b)${stat}\n`, 'a\nb'],
    ['a parenthesis before a line feed, which hides its beginning', `7/stat:b)${stat}\n`, '…\nb'],
    ['another process', `7/stat:7 (1 (init) S 0)${stat}\n`, '1 (init) S 0'],
    ['another process in a line of its own', `7/stat:7 (x\n7/stat:1 (init)${stat}\n`, 'x\n1 (init'],
    ['nothing', `7/stat:7 ()${stat}\n`, ''],
    ['Korean and emoji', `7/stat:7 (한국 🐳)${stat}\n`, '한국 🐳'],
  ])('%s', (_, text, name) => {
    expect(namesOf(text)).toEqual({problems: [], rows: [[7, name, 'Ss']]});
  });
});
