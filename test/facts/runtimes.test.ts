/** Pods and containers as CRI-O and Docker leave them on disk, read by the reader's own command. */
import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {MEMBERSHIPS, parseMemberships} from '../../source/facts/memberships.ts';
import {parsePodLogs} from '../../source/facts/sandboxes/logs.ts';
import {bundleLines, parseSandboxes, SANDBOXES} from '../../source/facts/sandboxes.ts';
import {type CrioPod, crioContainer, crioSandbox} from '../runtimes/crio.ts';
import {bytes, emptySnapshot, reply} from './samples.ts';

const id = (digit: string) => digit.repeat(64);
const UID = '3f0c8d1e-6a5b-4c7d-8e9f-0a1b2c3d4e5f';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoptop-runtimes-'));
});
afterAll(() => rmSync(folder, {recursive: true}));

const put = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), {recursive: true});
  writeFileSync(join(folder, path), text);
};

/** The reader's command, looking in `folder` instead of where runtimes keep their state. */
const read = (...instead: readonly [real: string, here: string][]) => {
  const command = instead.reduce(
    (text, [real, here]) => text.replaceAll(real, join(folder, here)),
    SANDBOXES.reader.command,
  );
  const {stdout} = spawnSync('sh', ['-c', command]);
  expect(stdout.toString()).not.toMatch(/SECRET|liar|"env"/i);
  return new Uint8Array(stdout);
};

describe('CRI-O 1.36', () => {
  const pod: CrioPod = {
    id: id('a'),
    name: 'web-0',
    namespace: 'shop',
    uid: UID,
    netns: '/var/run/netns/8f7f2e5c-8a63-4f0e-9d2b-111111111111',
    cgroup: container =>
      `/kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice/crio-${container}.scope`,
  };
  const onHost: CrioPod = {
    ...pod,
    id: id('d'),
    name: 'proxy-x',
    namespace: 'kube-system',
    uid: id('d').slice(32),
  };
  delete (onHost as {netns?: string}).netns;

  test('sandboxes and containers, one of them without a pause process', () => {
    const at = 'crio/overlay-containers';
    const first = {id: id('b'), name: 'nginx'};
    const second = {id: id('c'), name: 'log & <co>'};
    put(`${at}/${pod.id}/userdata/config.json`, crioSandbox(pod, '/rootfs', ['/pause']));
    put(`${at}/${first.id}/userdata/config.json`, crioContainer(pod, first, '/rootfs', ['nginx']));
    put(`${at}/${first.id}/userdata/pidfile`, '4242');
    put(`${at}/${second.id}/userdata/config.json`, crioContainer(pod, second, '/rootfs', ['sh']));
    put(`${at}/${onHost.id}/userdata/config.json`, crioSandbox(onHost, '/rootfs', ['/pause']));
    put(`${at}/${onHost.id}/userdata/pidfile`, '17');
    // Podman's containers lie in the same place.
    put(`${at}/${id('e')}/userdata/config.json`, '{\n\t"annotations": {\n\t\t"io.podman.x": "y"\n\t}\n}');
    const {rows, problems} = parseSandboxes(read(['/run/containers/storage/overlay-containers', at]));
    expect(problems).toEqual([]);
    const common = {
      namespace: 'shop',
      pod: 'web-0',
      uid: UID,
      sandbox: pod.id,
      runtime: 'cri-o',
      netnsPath: pod.netns,
    };
    const plain = rows.map(({from: _, to: __, ...row}) => row).filter(({runtime}) => runtime === 'cri-o');
    expect(plain).toEqual([
      {...common, id: pod.id, type: 'sandbox'},
      {
        ...common,
        id: first.id,
        type: 'container',
        container: 'nginx',
        image: 'docker.io/library/nginx:1.27',
        pid: 4242,
      },
      {
        ...common,
        id: second.id,
        type: 'container',
        container: 'log & <co>',
        image: 'docker.io/library/nginx:1.27',
      },
      {
        ...{id: onHost.id, type: 'sandbox', sandbox: onHost.id, runtime: 'cri-o', pid: 17},
        ...{pod: 'proxy-x', namespace: 'kube-system', uid: onHost.uid},
      },
    ]);
  });
});

describe('Docker 20.10.24', () => {
  const captured = fileURLToPath(new URL('../fixtures/runtimes', import.meta.url));

  test('sandboxes and containers labelled as cri-dockerd does; what `docker run` made is none of them', () => {
    const command = SANDBOXES.reader.command.replaceAll('/var/lib/docker/containers', `${captured}/docker`);
    const {stdout} = spawnSync('sh', ['-c', command]);
    expect(stdout.toString()).not.toContain('liar');
    const {rows, problems} = parseSandboxes(new Uint8Array(stdout));
    expect(problems).toEqual([]);
    const docker = rows.filter(({runtime}) => runtime === 'docker').map(({from: _, to: __, ...row}) => row);
    const web = {
      ...{
        pod: 'docker-web-0',
        namespace: 'shop',
        uid: '11111111-2222-4333-8444-555555555555',
        runtime: 'docker',
      },
      netnsPath: '/var/run/docker/netns/648af92a6c16',
    };
    const proxy = {
      ...{pod: 'docker-proxy-x', namespace: 'kube-system', uid: '21111111-2222-4333-8444-555555555555'},
      runtime: 'docker',
    };
    const sandboxOf = (name: string) => docker.find(row => row.type === 'sandbox' && row.pod === name)!.id;
    expect(docker).toHaveLength(4);
    expect(docker).toEqual(
      expect.arrayContaining([
        {
          ...web,
          id: sandboxOf('docker-web-0'),
          sandbox: sandboxOf('docker-web-0'),
          type: 'sandbox',
          pid: 857,
        },
        expect.objectContaining({
          ...web,
          ...{
            type: 'container',
            sandbox: sandboxOf('docker-web-0'),
            container: 'app',
            image: 'pause:3.10',
            pid: 925,
          },
        }),
        // `NetworkMode` host: Docker calls the node's own namespace `default`.
        {
          ...proxy,
          id: sandboxOf('docker-proxy-x'),
          sandbox: sandboxOf('docker-proxy-x'),
          type: 'sandbox',
          pid: 990,
        },
        expect.objectContaining({...proxy, type: 'container', container: 'proxy', pid: 1043}),
      ]),
    );
    for (const row of docker) if (row.pod === 'docker-proxy-x') expect(row.netnsPath).toBeUndefined();
  });

  test('a container that ended has no process', () => {
    const line = `/var/lib/docker/containers/${id('a')}/config.v2.json:`;
    const {rows} = parseSandboxes(bytes(`${line}"Pid":0\n${line}"io.kubernetes.docker.type":"podsandbox"\n`));
    expect(rows).toHaveLength(1);
    expect(rows[0]!.pid).toBeUndefined();
  });
});

test('in a container of a node (kind), process ids are its own and are not taken', () => {
  const at = `/proc/812/root/run/containerd/io.containerd.runtime.v2.task/k8s.io/${id('a')}`;
  const {rows, problems} = parseSandboxes(
    bytes(
      `${at}/config.json:"io.kubernetes.cri.container-type":"sandbox"\n` +
        `${at}/config.json:"io.kubernetes.cri.sandbox-id":"${id('a')}"\n${at}/init.pid:31\n`,
    ),
  );
  expect(problems).toEqual([]);
  expect(rows).toMatchObject([{id: id('a'), runtime: 'containerd'}]);
  expect(rows[0]!.pid).toBeUndefined();
});

test('an escaped name is what the runtime meant', () => {
  const at = `/run/containerd/io.containerd.runtime.v2.task/k8s.io/${id('a')}/config.json:"io.kubernetes.cri.`;
  const lines = [
    'container-type":"sandbox"',
    `sandbox-id":"${id('a')}"`,
    String.raw`sandbox-name":"a \"b\" \u003cc\u003e \u001b[31m 한국어 🐳"`,
  ];
  const {rows, problems} = parseSandboxes(bytes(lines.map(line => `${at}${line}\n`).join('')));
  expect(problems).toEqual([]);
  expect(rows[0]!.pod).toBe('a "b" <c> \u001b[31m 한국어 🐳');
});

test('names of log files', () => {
  const {rows} = parsePodLogs(
    bytes(
      `/var/log/pods/shop_web-0_${UID}\n/var/log/containers/web-0_shop_log-shipper-${id('a')}.log\n` +
        '/var/log/pods/nonsense\n/var/log/pods/a_b/c_d\n',
    ),
  );
  expect(rows.map(({from: _, to: __, ...row}) => row)).toEqual([
    {namespace: 'shop', pod: 'web-0', uid: UID},
    {namespace: 'shop', pod: 'web-0', container: 'log-shipper', id: id('a')},
  ]);
});

describe('control groups', () => {
  const lineOf = (path: string) => `7/cgroup:0::${path}\n`;
  const of = (path: string) => {
    const {rows, problems} = parseMemberships(bytes(lineOf(path)));
    expect(problems).toEqual([]);
    return rows.map(({container, uid}) => ({container, uid}));
  };
  const slice = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID.replaceAll('-', '_')}.slice`;
  const one = [{container: id('a'), uid: UID}];

  test.each([
    ['systemd, containerd', `${slice}/cri-containerd-${id('a')}.scope`],
    ['systemd, CRI-O', `${slice}/crio-${id('a')}.scope`],
    ['systemd, CRI-O with crun, which makes a group below', `${slice}/crio-${id('a')}.scope/container`],
    ['systemd, cri-dockerd', `${slice}/docker-${id('a')}.scope`],
    ['cgroupfs, burstable', `/kubepods/burstable/pod${UID}/${id('a')}`],
    ['cgroupfs, guaranteed', `/kubepods/pod${UID}/${id('a')}`],
    ['cgroupfs, CRI-O', `/kubepods/besteffort/pod${UID}/crio-${id('a')}`],
    ['a slice that containerd took for a plain name', `${slice}:cri-containerd:${id('a')}`],
    [
      'kind: a node that is a container',
      `/docker/${id('f')}/kubelet${slice}/cri-containerd-${id('a')}.scope`,
    ],
    ['k3d: k3s in Docker', `/docker/${id('f')}/kubepods/pod${UID}/${id('a')}`],
    [
      'a pod that runs a node',
      `/kubepods/pod${id('9').slice(32)}/${id('f')}/kubelet/kubepods/pod${UID}/${id('a')}`,
    ],
  ])('%s', (_, path) => expect(of(path)).toEqual(one));

  test('a static pod has a hash for a uid', () => {
    const hash = 'd41d8cd98f00b204e9800998ecf8427e';
    expect(of(`/kubepods/burstable/pod${hash}/${id('a')}`)).toEqual([{container: id('a'), uid: hash}]);
  });

  test('CRI-O’s and Podman’s monitors are in no container', () => {
    expect(of(`${slice}/crio-conmon-${id('a')}.scope`)).toEqual([]);
    expect(of(`/machine.slice/libpod-conmon-${id('a')}.scope`)).toEqual([]);
  });

  test('a group that is named like nothing of Kubernetes', () => {
    expect(of('/user.slice/한국 🐳 "x"')).toEqual([]);
    expect(of(`/system.slice/docker-${id('a')}.scope`)).toEqual([{container: id('a'), uid: undefined}]);
  });
});

describe('several runtimes on a node', () => {
  const sandbox = (runtime: 'containerd' | 'cri-o' | 'docker', digit: string) => ({
    ...{from: 0, to: 1, id: id(digit), type: 'sandbox' as const, sandbox: id(digit), runtime},
    ...{pod: `pod-${digit}`, namespace: 'shop', uid: `uid-${digit}`},
  });
  const gapsWith = (...running: string[]) => {
    const value = [sandbox('containerd', 'a'), sandbox('docker', 'b'), sandbox('docker', 'c')];
    const soFar = emptySnapshot({sandboxes: {sweep: 1, at: '', uptime: 1, value}});
    const lines = running.map((digit, i) => `${i + 9}/cgroup:0::/kubepods/podx/${id(digit)}\n`);
    return MEMBERSHIPS.contribute(reply('memberships', bytes(lines.join(''))), soFar).gaps!.map(
      gap => gap.reason,
    );
  };

  test('what one of them left behind is said, and not shown as pods of today', () => {
    const [gap, ...more] = gapsWith('a');
    expect(more).toEqual([]);
    expect(gap).toMatch(
      /^Docker left the state of 2 pods on node \S+, and no process of them runs: not shown/,
    );
  });

  test('two that run pods are both named', () => {
    expect(gapsWith('a', 'b')).toEqual([expect.stringContaining('containerd (1), Docker (1)')]);
  });

  test('one that runs no pod at all is not said to have left anything', () => {
    expect(gapsWith()).toEqual([]);
  });
});

test('an empty annotation in a pasted file of a bundle', () => {
  const config =
    '{"annotations":{"io.kubernetes.cri.container-type":"sandbox","io.kubernetes.cri.sandbox-id":"a"}}';
  const {rows} = parseSandboxes(bytes(bundleLines('a', 'config.json', bytes(config))));
  expect(rows).toHaveLength(1);
});
