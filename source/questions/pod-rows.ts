import * as v from 'valibot';
import type {Graph, Interface, Pod} from '../model/graph.ts';
import {isListedOnly, listedEvidence} from '../model/listed.ts';
import {sandboxEvidence} from '../model/pods.ts';
import {asOf} from '../model/unread.ts';
import {InterfaceRef, interfaceRef} from './interface-rows.ts';
import {count, Evidence, type EvidenceRow, flag, Grade, list, maybe, Tally, text} from './schema.ts';
import {podTally} from './socket-select.ts';

/** How a pod's interface hangs on the node. */
export const Attachment = v.object({
  inside: InterfaceRef,
  grade: Grade,
  why: text('What the pair rests on.'),
  outside: v.pipe(list(InterfaceRef), v.description('The interface on the host; several when ambiguous.')),
  master: maybe.text('Bridge, bond or VRF that the host’s interface is enslaved to.'),
  routed: flag('A route of the node leads straight to the host’s interface.'),
});
export type Attachment = v.InferOutput<typeof Attachment>;

export const PodRow = v.object({
  pod: text('What `hoptop pod` takes.'),
  namespace: text('Kubernetes namespace.'),
  name: text('Its name.'),
  uid: text('Its uid.'),
  node: text('Node, by name.'),
  asOf: maybe.text('Moment it was read, when its node is not reached now.'),
  state: v.pipe(
    v.picklist(['running', 'stopped', 'listed']),
    v.description('listed: only the Kubernetes API tells of it.'),
  ),
  status: maybe.text('What the Kubernetes API says of it: Running, Pending, …'),
  apiAddresses: v.optional(v.pipe(list(v.string()), v.description('Its addresses, by the Kubernetes API.'))),
  disagreements: v.pipe(
    list(v.string()),
    v.description('Where the Kubernetes API and the node say different things of it; each tells both.'),
  ),
  owner: maybe.text('Its controller, by the Kubernetes API: DaemonSet/cilium.'),
  hostNetwork: flag('It shares the node’s network namespace.'),
  netns: maybe.text('Inode of its network namespace.'),
  grade: Grade,
  why: text('How its namespace was found, or why not.'),
  addresses: list(v.string()),
  containers: list(v.string()),
  processes: count('Processes in it.'),
  attachments: list(Attachment),
  sockets: v.optional(Tally),
  evidence: list(Evidence),
});
export type PodRow = v.InferOutput<typeof PodRow>;

export function podRow(graph: Graph, pod: Pod): PodRow {
  return {
    pod: pod.key,
    namespace: pod.namespace,
    name: pod.name,
    uid: pod.uid,
    node: pod.node.name,
    asOf: asOf(pod.node),
    state: isListedOnly(pod) ? 'listed' : pod.processes.length > 0 ? 'running' : 'stopped',
    status: pod.listed?.status,
    apiAddresses: pod.listed && [...pod.listed.addresses],
    disagreements: [...pod.disagreements],
    owner: pod.listed?.owner,
    hostNetwork: pod.hostNetwork,
    netns: pod.netns?.inode,
    grade: pod.grade,
    why: pod.why,
    addresses: pod.addresses,
    containers: containerNames(pod),
    processes: pod.processes.length,
    attachments: attachments(graph, pod).map(({row}) => row),
    sockets: podTally(pod),
    evidence: podEvidence(graph, pod),
  };
}

/** Where its name was read: on the node, and in the API's answer. */
export function podEvidence(graph: Graph, pod: Pod): EvidenceRow[] {
  return [
    ...(pod.node.snapshot ? sandboxEvidence(pod.node.id, pod.node.snapshot, pod.sandbox) : []),
    ...listedEvidence('kube-pods', graph.cluster?.pods, pod.listed),
  ];
}

/** As its node shows them; where it does not, as the API lists them. */
function containerNames({containers, listed}: Pod): string[] {
  if (containers.length > 0) return containers.map(container => container.name);
  return (listed?.containers ?? []).filter(({init}) => !init).map(({name}) => name);
}

/** Interfaces of a pod's own namespace that have another end in the kernel, with that end. */
export function attachments(
  graph: Graph,
  pod: Pod,
): {readonly inside: Interface; readonly outside: readonly Interface[]; readonly row: Attachment}[] {
  if (!pod.netns || pod.hostNetwork) return [];
  return pod.netns.interfaces.flatMap(inside => {
    const pair = graph.pairs.get(inside);
    if (!pair) return [];
    const {candidates: outside, grade, why} = pair;
    const end = outside.length === 1 ? outside[0] : undefined;
    const routed = end?.namespace.facts?.routes?.value.some(
      route =>
        route.type === 'unicast' && route.family === 4 && route.hops.some(hop => hop.dev === end.link.name),
    );
    return [
      {
        inside,
        outside,
        row: {
          inside: interfaceRef(inside),
          grade,
          why,
          outside: outside.map(interfaceRef),
          master: end?.link.master,
          routed: routed ?? false,
        },
      },
    ];
  });
}
