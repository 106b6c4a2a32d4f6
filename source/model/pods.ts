import type {Evidence} from '../facts/evidence.ts';
import type {PodLog} from '../facts/sandboxes/logs.ts';
import {leftOver, runtimesInUse} from '../facts/sandboxes/runtimes.ts';
import type {Sandbox} from '../facts/sandboxes.ts';
import type {Snapshot} from '../facts/snapshot.ts';
import type {Grade} from './graph.ts';

/** A pod as one node's files and processes show it, before it is joined to anything. */
export type FoundPod = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly sandbox: Sandbox | undefined;
  readonly containers: readonly Sandbox[];
  /** Processes whose cgroup names its sandbox, one of its containers, or its uid. */
  readonly pids: readonly number[];
  readonly hostNetwork: boolean;
  /** Inode of its network namespace. */
  readonly netns: string | undefined;
  readonly grade: Grade;
  readonly why: string;
};

/** Which container each process is in: by cgroup, which is proof, else by the runtime's pid file. */
export function containerByPid(snapshot: Snapshot): Map<number, string> {
  const byPid = new Map<number, string>();
  const alive = new Set(snapshot.processes?.value.map(process => process.pid));
  const cgroups = snapshot.memberships !== undefined;
  for (const {pid, container} of snapshot.memberships?.value ?? []) byPid.set(pid, container);
  for (const {pid, id} of snapshot.sandboxes?.value ?? []) {
    // A pid file outlives its process, and pids are reused: where cgroups were read they decide alone.
    if (!cgroups && pid !== undefined && alive.has(pid)) byPid.set(pid, id);
  }
  return byPid;
}

/** Every pod of one node. A pod that was made anew leaves its old sandbox behind: the running one stands for it. */
export function findPods(snapshot: Snapshot): FoundPod[] {
  const byPid = containerByPid(snapshot);
  const pidsOf = groupPids(byPid);
  const old = leftOver(runtimesInUse(snapshot.sandboxes?.value ?? [], snapshot.memberships?.value ?? []));
  const all = (snapshot.sandboxes?.value ?? []).filter(one => !one.runtime || !old.has(one.runtime));
  const found = [...all.filter(one => one.type === 'sandbox'), ...withoutSandbox(all)].map(sandbox =>
    fromSandbox(snapshot, sandbox, all, pidsOf),
  );
  const running = new Set(
    found.filter(pod => pod.pids.length > 0).map(pod => `${pod.namespace}/${pod.name}`),
  );
  const current = found.filter(pod => pod.pids.length > 0 || !running.has(`${pod.namespace}/${pod.name}`));
  // As kubectl lists them: by namespace and name, in code point order.
  return [...current, ...fromCgroups(snapshot, found)].sort(
    (a, b) => order(a.namespace, b.namespace) || order(a.name, b.name),
  );
}

/**
 * A container tells of its pod as well: one of each pod whose sandbox nobody keeps stands for it. Its own first process
 * is then not a pause process but the container's.
 */
function withoutSandbox(all: readonly Sandbox[]): Sandbox[] {
  const kept = new Set(all.filter(one => one.type === 'sandbox').map(one => one.id));
  const orphans = new Map(
    all.filter(one => !kept.has(one.sandbox) && one.uid !== '').map(one => [one.sandbox, one] as const),
  );
  return [...orphans.values()].map(one => ({...one, type: 'sandbox', id: one.sandbox}));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupPids(byPid: ReadonlyMap<number, string>): Map<string, number[]> {
  const pids = new Map<string, number[]>();
  for (const [pid, container] of byPid) {
    const same = pids.get(container);
    if (same) same.push(pid);
    else pids.set(container, [pid]);
  }
  return pids;
}

function fromSandbox(
  snapshot: Snapshot,
  sandbox: Sandbox,
  all: readonly Sandbox[],
  pidsOf: ReadonlyMap<string, readonly number[]>,
): FoundPod {
  const containers = all.filter(one => one.type === 'container' && one.sandbox === sandbox.id);
  // The sandbox's own process first: it is the one that cannot have gone elsewhere.
  const pids = [sandbox, ...containers].flatMap(one => pidsOf.get(one.id) ?? []);
  const hostNetwork = sandbox.netnsPath === undefined;
  return {
    namespace: sandbox.namespace,
    name: sandbox.pod,
    uid: sandbox.uid,
    sandbox,
    containers,
    pids,
    hostNetwork,
    ...namespaceOf(snapshot, sandbox, pids),
  };
}

function namespaceOf(
  snapshot: Snapshot,
  sandbox: Sandbox,
  pids: readonly number[],
): {netns: string | undefined; grade: Grade; why: string} {
  const members = snapshot.members?.value ?? [];
  const path = sandbox.netnsPath && plainPath(sandbox.netnsPath);
  const mounted =
    path && members.find(member => member.path !== undefined && plainPath(member.path) === path)?.netns;
  const pid = pids.find(one => members.some(member => member.pid === one));
  const lived = pid === undefined ? undefined : members.find(member => member.pid === pid)?.netns;
  if (mounted && lived && mounted !== lived) {
    return {
      netns: mounted,
      grade: 'inferred',
      why: `its namespace is mounted at ${path}, but its process ${pid} is in namespace ${lived}`,
    };
  }
  if (mounted) return {netns: mounted, grade: 'proven', why: `its namespace is mounted at ${path}`};
  if (lived) return {netns: lived, grade: 'proven', why: `its process ${pid} is in that namespace`};
  if (path === undefined && snapshot.hostNetns !== undefined) {
    return {
      netns: snapshot.hostNetns,
      grade: 'inferred',
      why: 'its sandbox asks for no namespace of its own',
    };
  }
  return {
    netns: undefined,
    grade: 'unknown',
    why: `no process of it was seen${path === undefined ? '' : ` and ${path} is not mounted`}: it is not running, or cannot be read`,
  };
}

/** `/var/run` is a link to `/run` on every distribution that runs containerd. */
function plainPath(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/');
}

/** Pods whose sandbox could not be read are still told apart by the uid in their processes' cgroups. */
function fromCgroups(snapshot: Snapshot, known: readonly FoundPod[]): FoundPod[] {
  const uids = new Set(known.map(pod => pod.uid));
  const ids = new Set(known.flatMap(pod => [pod.sandbox!.id, ...pod.containers.map(one => one.id)]));
  const pids = new Map<string, number[]>();
  for (const {uid, pid, container} of snapshot.memberships?.value ?? []) {
    if (uid === undefined || uids.has(uid) || ids.has(container)) continue;
    const same = pids.get(uid);
    if (same) same.push(pid);
    else pids.set(uid, [pid]);
  }
  const members = new Map(
    snapshot.members?.value.flatMap(member => (member.pid ? [[member.pid, member.netns]] : [])),
  );
  const containerOf = containerByPid(snapshot);
  return [...pids].map(([uid, own]) => {
    const netns = own.map(pid => members.get(pid)).find(inode => inode !== undefined);
    const named = loggedAs(snapshot, uid);
    const ids = new Set(own.map(pid => containerOf.get(pid)));
    return {
      namespace: named.length === 1 ? named[0]!.namespace : '?',
      name: named.length === 1 ? named[0]!.pod : uid,
      uid,
      sandbox: undefined,
      containers: named.length === 1 ? loggedContainers(snapshot, uid, ids) : [],
      pids: own,
      hostNetwork: netns !== undefined && netns === snapshot.hostNetns,
      netns,
      grade: netns === undefined ? 'unknown' : 'inferred',
      why: whyByUid(named),
    };
  });
}

/** What the directories of logs call the pod of a uid; a uid with two names is nobody's. */
function loggedAs(snapshot: Snapshot, uid: string): PodLog[] {
  const byName = new Map<string, PodLog>();
  for (const log of snapshot.podLogs?.value ?? [])
    if (log.uid === uid) byName.set(`${log.namespace}/${log.pod}`, log);
  return [...byName.values()];
}

function whyByUid(named: readonly PodLog[]): string {
  const base = 'known by the uid in its cgroup only: its sandbox was not read';
  if (named.length === 0) return base;
  if (named.length === 1) return `${base}; its name is that of its directory in /var/log/pods`;
  const names = named.map(({namespace, pod}) => `${namespace}/${pod}`).join(' and ');
  return `${base}; /var/log/pods has more than one name for it: ${names}`;
}

/** Containers of a pod by the links to their logs, those that have a process. */
function loggedContainers(snapshot: Snapshot, uid: string, ids: ReadonlySet<string | undefined>): Sandbox[] {
  return (snapshot.podLogs?.value ?? []).flatMap(({from, to, id, container, pod, namespace}) =>
    id !== undefined && container !== undefined && ids.has(id)
      ? [{from, to, id, type: 'container' as const, sandbox: '', pod, namespace, uid, container}]
      : [],
  );
}

/** Where a pod's name was read. */
export function sandboxEvidence(node: string, snapshot: Snapshot, sandbox: Sandbox | undefined): Evidence[] {
  if (!sandbox || !snapshot.sandboxes) return [];
  return [{node, fact: 'sandboxes', sweep: snapshot.sandboxes.sweep, from: sandbox.from, to: sandbox.to}];
}
