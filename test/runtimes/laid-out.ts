/** Other container runtimes on a node of a lab: real containerds of other places, and what CRI-O and Docker lay down. */
import {cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {connectCri} from '../../demo/lab/cri.ts';
import {startPod} from '../../demo/lab/pods.ts';
import type {RunningPod} from '../../demo/lab/state.ts';
import type {PodPlan} from '../../demo/lab/topology.ts';
import {onNode} from '../lab/harness.ts';
import {type CrioPod, crioContainer, crioSandbox} from './crio.ts';

/** A node of a lab, and its root as this machine sees it. */
export type Node = {readonly lab: string; readonly name: string; readonly root: string};

/** Where the programs of pods that no CRI makes are. */
const ROOTFS = '/srv/rootfs';

/** A program that does nothing for long, called by a name of its own: busybox goes by that. */
const idle = ['/bin/sleep', '90000'];

/** Starts a second containerd on a node, whose files are elsewhere, and makes pods with it. */
export async function containerdAt(
  node: Node,
  {root, state}: {readonly root: string; readonly state: string},
  pods: readonly {readonly plan: PodPlan; readonly uid: string}[],
): Promise<RunningPod[]> {
  const socket = `${state}/containerd.sock`;
  const config = readFileSync(join(node.root, 'etc/containerd/config.toml'), 'utf8')
    .replace('"/run/containerd/containerd.sock"', `"${socket}"`)
    .replace('"/var/lib/containerd"', `"${root}"`)
    .replace('"/run/containerd"', `"${state}"`);
  const file = `/etc/containerd/${root.replaceAll('/', '-')}.toml`;
  writeFileSync(join(node.root, file), config);
  onNode(
    node.lab,
    node.name,
    `set -e
    mkdir -p ${root} ${state}; mount -t tmpfs tmpfs ${root}
    setsid containerd -c ${file} </dev/null >/var/log/containerd${root.replaceAll('/', '-')}.log 2>&1 &
    until ctr -a ${socket} version >/dev/null 2>&1; do sleep 0.2; done
    ctr -n k8s.io images export /tmp/images.tar hoptop.lab/pod:1 hoptop.lab/pause:1
    ctr -a ${socket} -n k8s.io images import /tmp/images.tar
    rm /tmp/images.tar`,
  );
  const cri = connectCri(join(node.root, socket));
  try {
    const made: RunningPod[] = [];
    for (const {plan, uid} of pods) made.push(await startPod(cri, plan, uid, word => word));
    return made;
  } finally {
    cri.close();
  }
}

/** Makes the root file system that `runc` alone gives its containers. */
function makeRootfs(node: Node): void {
  onNode(
    node.lab,
    node.name,
    `[ -e ${ROOTFS} ] || { mkdir -p ${ROOTFS}/bin ${ROOTFS}/proc ${ROOTFS}/dev && cp /bin/busybox ${ROOTFS}/bin/sleep; }`,
  );
}

/** A pod as CRI-O makes it; without `pause`, its sandbox has no process (`drop_infra_ctr`, its default). */
export function crioPod(
  node: Node,
  pod: CrioPod & {readonly containers: readonly {readonly id: string; readonly name: string}[]},
  {pause, runRoot}: {readonly pause: boolean; readonly runRoot: string},
): void {
  makeRootfs(node);
  const pinned = pod.netns?.split('/').at(-1);
  if (pinned !== undefined) onNode(node.lab, node.name, `ip netns add ${pinned}`);
  // Where the other namespaces are pinned, whatever they are.
  const ipc = '/var/run/ipcns/8f7f2e5c-0000-4000-8000-000000000000';
  onNode(
    node.lab,
    node.name,
    `[ -e ${ipc} ] || { mkdir -p /var/run/ipcns && : >${ipc} && mount --bind /proc/self/ns/ipc ${ipc}; }`,
  );
  const write = (id: string, text: string) => {
    const at = `${runRoot}/overlay-containers/${id}/userdata`;
    mkdirSync(join(node.root, at), {recursive: true});
    writeFileSync(join(node.root, at, 'config.json'), text);
    return at;
  };
  const start = (id: string, at: string) =>
    onNode(
      node.lab,
      node.name,
      `runc --root /run/crio-runc run -d --pid-file ${at}/pidfile --bundle ${at} ${id} </dev/null >/tmp/runc.log 2>&1 || { cat /tmp/runc.log >&2; false; }`,
    );
  const at = write(pod.id, crioSandbox(pod, ROOTFS, idle));
  // As `setupSandboxShm` of CRI-O mounts it: it tells where the run root is.
  onNode(node.lab, node.name, `mkdir -p ${at}/shm && mount -t tmpfs shm ${at}/shm`);
  if (pause) start(pod.id, at);
  for (const container of pod.containers)
    start(container.id, write(container.id, crioContainer(pod, container, ROOTFS, idle)));
}

/** Containers that dockerd 20.10.24 noted (`test/fixtures/README.md`), with a process in each one's control group if asked. */
export function dockerContainers(
  node: Node,
  root: string,
  groups: readonly {readonly id: string; readonly group: string; readonly netns?: string}[],
): void {
  cpSync(join(import.meta.dirname, '../fixtures/runtimes/docker'), join(node.root, root, 'containers'), {
    recursive: true,
  });
  if (groups.length === 0) return;
  makeRootfs(node);
  for (const {id, group, netns} of groups) {
    const bundle = `/srv/docker-bundles/${id}`;
    const network = netns === undefined ? [] : [{type: 'network', path: netns}];
    if (netns !== undefined)
      onNode(
        node.lab,
        node.name,
        `[ -e ${netns} ] || { mkdir -p /run/docker/netns && : >${netns} && unshare --net=${netns} true; }`,
      );
    mkdirSync(join(node.root, bundle), {recursive: true});
    const config = {
      ociVersion: '1.0.2',
      process: {user: {uid: 0, gid: 0}, args: idle, env: ['PATH=/bin'], cwd: '/'},
      root: {path: ROOTFS, readonly: true},
      mounts: [{destination: '/proc', type: 'proc', source: 'proc'}],
      linux: {cgroupsPath: `${group}/${id}`, namespaces: [{type: 'pid'}, {type: 'mount'}, ...network]},
    };
    writeFileSync(join(node.root, bundle, 'config.json'), JSON.stringify(config));
    onNode(
      node.lab,
      node.name,
      `runc --root /run/docker-runc run -d --bundle ${bundle} ${id} </dev/null >/tmp/runc.log 2>&1 || { cat /tmp/runc.log >&2; false; }`,
    );
  }
}

/** The link that the kubelet makes to a container's log. */
export function logLink(node: Node, pod: string, namespace: string, container: string, id: string): void {
  const folder = join(node.root, 'var/log/containers');
  mkdirSync(folder, {recursive: true});
  symlinkSync('/var/log/pods/whatever', join(folder, `${pod}_${namespace}_${container}-${id}.log`));
}
