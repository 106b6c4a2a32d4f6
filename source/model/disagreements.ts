/** Where the Kubernetes API and the node itself say different things of one pod: both are told, neither is corrected. */
import type {ClusterPod} from '../facts/kube/pods.ts';
import type {GraphNode, Pod} from './graph.ts';

const OVER = new Set(['Succeeded', 'Failed', 'Completed']);

/** Of a pod that both tell of. */
export function disagreementsOf(pod: Pod, listed: ClusterPod): string[] {
  const {node} = pod;
  const found: string[] = [];
  if (listed.uid !== undefined && pod.uid !== '' && pod.uid !== listed.uid && pod.uid !== listed.nodeUid)
    found.push(
      `the API knows it by the uid ${listed.uid}, ${node.name} by ${pod.uid}: one of them was made anew`,
    );
  const own = pod.hostNetwork ? node.addresses : pod.addresses;
  const strange = listed.addresses.filter(address => !own.includes(address));
  if (strange.length > 0 && own.length > 0)
    found.push(
      `the API says its address is ${strange.join(', ')}, ${pod.hostNetwork ? node.name : 'its interface'} has ${own.join(', ')}`,
    );
  const processes = pod.processes.length;
  if (listed.status === 'Running' && processes === 0 && node.snapshot?.processes && node.snapshot.memberships)
    found.push(`the API says Running, no process of it was seen on ${node.name}`);
  if (OVER.has(listed.status) && processes > 0)
    found.push(
      `the API says ${listed.status}, ${processes === 1 ? 'a process of it runs' : `${processes} processes of it run`} on ${node.name}`,
    );
  return found;
}

/** Of a pod that the API has on a node that does not show it; `elsewhere`: another one does. */
export function missingHere(
  node: GraphNode,
  {status}: ClusterPod,
  elsewhere: Pod | undefined,
): readonly string[] {
  if (elsewhere) return [`the API says it is on ${node.name}, ${elsewhere.node.name} shows it`];
  if (status !== 'Running' || !readWhole(node)) return NONE;
  return [`the API says it runs on ${node.name}, nothing of it was found there`];
}

/** Of a pod that its node shows and the API, which told of all pods, does not know. */
export function unknownToApi({node, sandbox, uid}: Pod): string[] {
  if (!sandbox) return [];
  return [`${node.name} has its sandbox, the API knows no pod of the uid ${uid}`];
}

const NONE: readonly string[] = [];

/** Without root, a pod's absence means nothing. */
function readWhole({snapshot}: GraphNode): boolean {
  return snapshot?.sandboxes !== undefined && snapshot.identity?.value.uid === 0;
}
