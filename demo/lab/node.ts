/** Makes one node: its namespaces, its uplink, its daemons. */
import {spawn} from 'node:child_process';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {groupOf, type Hierarchy, initArgument, makeGroups} from './cgroups.ts';
import {connectCri} from './cri.ts';
import {wiringOf} from './datapath.ts';
import {kubeProxyJumps} from './kube-proxy.ts';
import {eventually, ipBatch, run} from './run.ts';
import {ENTER, writeSeed} from './seed.ts';
import {fabricOf, identify, nodeDir, type RunningNode} from './state.ts';
import type {MachinePlan, NicPlan, Topology} from './topology.ts';

/** The words that run a command inside a node, as root, in all its namespaces and its cgroups. */
export const enter = (init: number, argv: readonly string[]) => [
  'nsenter',
  ...['-t', String(init), '-m', '-u', '-i', '-n', '-p', '-C', '--'],
  ENTER,
  ...argv,
];

/** A node's containerd socket, as the machine reaches it. */
export const criSocket = (init: number) => `/proc/${init}/root/run/containerd/containerd.sock`;

/** The link in the fabric namespace, or in a router's, that a card of a node hangs on: `to-worker-1`, `to1-worker-1`. */
export const uplink = (node: string, device = 'eth0') =>
  `to${device.replace(/^eth0?/, '')}-${node}`.slice(0, 15);

const GROUPS_THEN = 'for procs in $1; do echo $$ > "$procs" || exit 1; done; shift; exec "$@"';

/** Starts a node's first process; the node has no network yet. */
export const bootNode = async (
  lab: string,
  topology: Topology,
  node: MachinePlan,
  all: readonly Hierarchy[],
): Promise<RunningNode> => {
  const dir = nodeDir(lab, node.name);
  await mkdir(join(dir, 'fs'), {recursive: true});
  await writeSeed(lab, topology, node);
  const procs = await makeGroups(all, lab, node.name);
  const argv = [
    ...['sh', '-c', GROUPS_THEN, 'sh', procs.join(' ')],
    ...[
      'unshare',
      '--mount',
      '--net',
      '--pid',
      '--uts',
      '--ipc',
      '--cgroup',
      '--fork',
      '--kill-child',
      '--propagation',
      'private',
    ],
    ...['sh', join(import.meta.dirname, 'node-init.sh'), dir, node.name, initArgument(all)],
  ] as [string, ...string[]];
  const child = spawn(argv[0], argv.slice(1), {detached: true, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/'});
  let said = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => text.includes('ready') && resolve());
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('exit', code =>
      reject(new Error(`Node ${node.name} did not start (status ${code}): ${said.trim()}`)),
    );
  });
  await ready;
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  const parent = await identify(child.pid!);
  const init = Number(await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8'));
  // cgroup2: unshare itself must not stay in the node's root group, see node-init.sh.
  for (const hierarchy of all.filter(each => each.mount === '/sys/fs/cgroup'))
    await writeFile(
      join(groupOf(hierarchy, lab, node.name), 'init.scope', 'cgroup.procs'),
      String(parent.pid),
    );
  return {name: node.name, address: node.address, init: await identify(init), parent};
};

/** Plugs a card of a node into a bridge of the fabric, or into a router. */
const plug = async (
  lab: string,
  node: MachinePlan,
  {device, to}: Pick<NicPlan, 'device' | 'to'>,
  pid: number,
  running: readonly RunningNode[],
  signal?: AbortSignal,
) => {
  const onRouter = 'router' in to;
  const router = onRouter && running.find(each => each.name === to.router);
  const there = router ? ['nsenter', '-t', String(router.init.pid), '-n', 'ip'] : ['ip', '-n', fabricOf(lab)];
  const name = uplink(node.name, onRouter ? undefined : device);
  const peer = ['peer', 'name', device, 'netns', String(pid)];
  await run([...there, 'link', 'add', name, 'type', 'veth', ...peer], {signal});
  if (onRouter) await run([...there, 'address', 'add', to.address, 'dev', name], {signal});
  await run([...there, 'link', 'set', name, ...(onRouter ? [] : ['master', to.bridge]), 'up'], {signal});
};

/**
 * Joins a node to the fabric, to the routers that run and to its peers; or a router to the fabric.
 * @param running all that runs by now, itself included
 */
export const wireNode = async (
  lab: string,
  topology: Topology,
  node: MachinePlan,
  running: readonly RunningNode[],
  signal?: AbortSignal,
) => {
  const {pid} = running.find(each => each.name === node.name)!.init;
  const [gateway, prefix] = topology.fabric.split('/');
  const [gateway6, prefix6] = topology.fabric6?.split('/') ?? [];
  const nics = node.nics ?? [];
  for (const nic of [{device: 'eth0', to: {bridge: 'fabric0'}}, ...nics])
    await plug(lab, node, nic, pid, running, signal);
  const {sysctls = [], links, forwarding = [], rules, daemons = []} = wiringOf(topology, node);
  await ipBatch(
    pid,
    [
      `address add ${node.address}/${prefix} brd + dev eth0`,
      ...(node.address6 ? [`address add ${node.address6}/${prefix6} dev eth0 nodad`] : []),
      'link set eth0 up',
      `route add default via ${gateway}`,
      ...(node.address6 ? [`route add default via ${gateway6}`] : []),
      ...nics.flatMap(({device, address}) => [
        `address add ${address} dev ${device}`,
        `link set ${device} up`,
      ]),
    ],
    signal,
  );
  const inNode = (argv: readonly string[], input?: string) =>
    run(enter(pid, argv), {signal, ...(input !== undefined && {input})});
  for (const setting of sysctls) {
    const [name, value] = setting.split('=') as [string, string];
    await inNode(['tee', `/proc/sys/${name}`], value);
  }
  if (links.length) await ipBatch(pid, links, signal);
  if (forwarding.length) await inNode(['bridge', '-batch', '-'], `${forwarding.join('\n')}\n`);
  const isNode = topology.nodes.some(each => each.name === node.name);
  if (isNode) await inNode(['iptables-restore', '--noflush'], kubeProxyJumps());
  if (rules) await inNode(['iptables-restore', '--noflush'], rules.ipv4);
  if (node.address6) await inNode(['ip6tables-restore', '--noflush'], kubeProxyJumps());
  if (rules?.ipv6) await inNode(['ip6tables-restore', '--noflush'], rules.ipv6);
  for (const daemon of daemons) await inNode(daemon);
};

/** Starts sshd in a node; it becomes a daemon there. */
export const startSshd = (running: RunningNode) => run(enter(running.init.pid, ['/usr/sbin/sshd']));

/** Starts a node's sshd and containerd, and gives containerd the image. */
export const startDaemons = async (running: RunningNode, image: string, signal?: AbortSignal) => {
  const {pid} = running.init;
  const homes =
    'for user in oncall visitor; do mkdir -p /home/$user && chown $user: /home/$user && chmod 700 /home/$user; done';
  // Unlike an overlay, a tmpfs can be an overlay's upper side, so containers can be overlays too.
  const prepare = `${homes}; mkdir -p /var/lib/containerd && mount -t tmpfs -o mode=711 tmpfs /var/lib/containerd`;
  await run(
    enter(pid, ['sh', '-c', `${prepare}; setsid containerd </dev/null >/var/log/containerd.log 2>&1 &`]),
    {signal},
  );
  await startSshd(running);
  await eventually(
    20,
    async () => {
      const cri = connectCri(criSocket(pid));
      await cri.call('Version', {}).finally(() => cri.close());
    },
    signal,
  );
  await run(enter(pid, ['ctr', '-n', 'k8s.io', 'images', 'import', '-']), {
    input: await readFile(image),
    signal,
  });
};
