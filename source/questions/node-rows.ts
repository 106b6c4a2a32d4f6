import * as v from 'valibot';
import {runtimesInUse} from '../facts/sandboxes/runtimes.ts';
import {clockOff, offText} from '../model/clocks.ts';
import type {Graph, GraphNode} from '../model/graph.ts';
import {listedEvidence} from '../model/listed.ts';
import {asOf} from '../model/unread.ts';
import {rightsGap} from './gaps.ts';
import {seenOf} from './node-seen.ts';
import {count, Evidence, type EvidenceRow, Grade, list, maybe, Tally, text} from './schema.ts';
import {talliesOf} from './socket-select.ts';

export const NodeRow = v.object({
  name: text('Its hostname, or what it was called where that is unknown or another node has the same.'),
  id: text('What it was called on the command line or in the inventory.'),
  state: v.pipe(
    v.picklist(['dialling', 'ready', 'lost', 'back', 'listed']),
    v.description('How it is reached; listed: nobody was asked to, only the Kubernetes API tells of it.'),
  ),
  step: maybe.text('What reaching it is busy with.'),
  cause: maybe.text('Why it was lost, and the next thing to try.'),
  since: maybe.text('When it entered this state.'),
  listedAs: v.optional(
    v.object({
      name: text('What the Kubernetes API calls it.'),
      grade: Grade,
      why: text('Why it is that node.'),
    }),
  ),
  created: maybe.text('When it joined the cluster, by the Kubernetes API.'),
  age: maybe.text('The same as a table of kubectl shows it, where only that was read.'),
  external: list(v.string()),
  roles: maybe.text('Its roles, by the Kubernetes API.'),
  status: maybe.text('Ready or not, by the Kubernetes API.'),
  version: maybe.text('The kubelet’s version, by the Kubernetes API.'),
  seen: v.optional(
    v.object({
      roles: maybe.text('Its role, inferred from what runs on it.'),
      version: maybe.text('Version of Kubernetes, inferred from the images that run on it.'),
      why: text('What both follow from.'),
    }),
  ),
  partial: maybe.text('Read, but not whole: what the user that it is read as may not see.'),
  address: maybe.text('The address it is known by.'),
  addresses: list(v.string()),
  os: maybe.text('Name of its operating system.'),
  kernel: maybe.text('Kernel release.'),
  runtime: maybe.text('Container runtime and version, e.g. containerd://1.6.20.'),
  clock: v.optional(
    v.object({
      low: count('Seconds that its clock is ahead of this machine’s at least; negative: behind.'),
      high: count('The same at most.'),
      off: maybe.count('The same to the second, where it surely is off.'),
      text: maybe.text('The same in words.'),
    }),
  ),
  arch: maybe.text('Architecture.'),
  machineId: maybe.text('Its machine-id.'),
  uptime: maybe.count('Seconds it had been up.'),
  cpus: maybe.count('Processors.'),
  readAs: maybe.count('User id that it was read as; 0 is root.'),
  pods: maybe.count('Pods on it.'),
  namespaces: maybe.count('Network namespaces on it.'),
  processes: maybe.count('Processes on it.'),
  sockets: v.optional(Tally),
  at: maybe.text('Moment of its newest data.'),
  asOf: maybe.text('The same, when the node is not reached now: what is shown of it is what it was then.'),
  sweep: maybe.count('Sweeps of it so far.'),
  evidence: v.pipe(list(Evidence), v.description('Where its name and kernel were read.')),
  cost: v.optional(
    v.object({
      cpu: count('Seconds of CPU that the last sweep cost it.'),
      wall: count('Milliseconds from request to last byte.'),
      bytes: count('Bytes received.'),
      trips: count('Round trips.'),
    }),
  ),
});
export type NodeRow = v.InferOutput<typeof NodeRow>;

/** Of a node that was never read, how it is reached and what the API says of it: no count is shown as zero. */
export function nodeRow(graph: Graph, node: GraphNode): NodeRow {
  const {snapshot, listed} = node;
  const reach = {
    name: node.name,
    id: node.id,
    state: node.state,
    step: node.step,
    cause: node.cause,
    since: node.since,
    address: node.addresses[0],
    addresses: node.addresses,
    listedAs: listed && node.listedAs && {name: listed.name, ...node.listedAs},
    created: listed?.created,
    age: listed?.age,
    external: [...(listed?.external ?? [])],
    roles: listed?.roles,
    status: listed?.status,
    version: listed?.version,
    os: listed?.os,
    kernel: listed?.kernel,
    runtime: listed?.runtime,
    arch: listed?.arch,
  };
  const byApi = listedEvidence('kube-nodes', graph.cluster?.nodes, listed);
  if (!snapshot) {
    const pods = node.pods.length > 0 ? node.pods.length : undefined;
    return {...reach, pods, evidence: byApi};
  }
  const identity = snapshot.identity?.value;
  const seen = seenOf(node);
  return {
    ...reach,
    seen: seen && {roles: seen.roles, version: seen.version, why: seen.why},
    partial: rightsGap(graph, node)?.reason,
    os: identity?.os ?? listed?.os,
    kernel: identity?.kernel ?? listed?.kernel,
    runtime: runtimeOf(node) ?? listed?.runtime,
    clock: clockOf(node),
    arch: identity?.arch ?? listed?.arch,
    machineId: identity?.machineId,
    // What was pasted does not tell, and no node has been up for no time at all.
    uptime: snapshot.uptime > 0 ? snapshot.uptime : undefined,
    cpus: identity?.cpus,
    readAs: identity?.uid,
    pods: snapshot.sandboxes || node.pods.length > 0 ? node.pods.length : undefined,
    namespaces: snapshot.members ? node.namespaces.length : undefined,
    processes: snapshot.processes ? node.processes.length : undefined,
    sockets: snapshot.sockets ? talliesOf(node).all : undefined,
    at: snapshot.at,
    asOf: asOf(node),
    sweep: snapshot.sweep,
    evidence: [...identityEvidence(node), ...(seen?.evidence ?? []), ...byApi],
    cost: snapshot.cost && snapshot.cost.trips > 0 ? snapshot.cost : undefined,
  };
}

/** The runtime that most of its pods run in; where none does, the one that is there. */
function runtimeOf({snapshot}: GraphNode): string | undefined {
  const versions = snapshot?.identity?.value.runtimes ?? [];
  const inUse = runtimesInUse(snapshot?.sandboxes?.value ?? [], snapshot?.memberships?.value ?? []);
  const [most] = [...inUse]
    .filter(([, {running}]) => running > 0)
    .sort(([, a], [, b]) => b.running - a.running);
  if (!most) return versions[0];
  return versions.find(version => version.startsWith(`${most[0]}://`)) ?? most[0];
}

function clockOf({snapshot}: GraphNode): NodeRow['clock'] {
  const skew = snapshot?.skew;
  if (!skew) return undefined;
  const off = clockOff(skew);
  return {...skew, off, text: off === undefined ? undefined : offText(off)};
}

const encoder = new TextEncoder();

/** The first lines of the reply that says who the node is (`facts/identity.ts`): its name, then its kernel. */
export function identityEvidence({id, snapshot}: GraphNode): EvidenceRow[] {
  const identity = snapshot?.identity;
  if (!identity) return [];
  const {hostname, kernel} = identity.value;
  const to = encoder.encode(`hostname=${hostname}\nkernel=${kernel}`).length;
  return [{node: id, fact: 'identity', sweep: identity.sweep, from: 0, to}];
}
