import {inner, inners, text, words} from '../elements.ts';
import type {Parsed, Span} from '../evidence.ts';
import {optional} from '../links.ts';
import {canonical} from '../prefix.ts';
import {type KubeObject, kubeObjects} from './objects.ts';
import {tableRows} from './table.ts';

/** One node as the Kubernetes API has it. */
export type ClusterNode = Span & {
  readonly name: string;
  /** `Ready`, `NotReady`, `Unknown`, each perhaps with `,SchedulingDisabled`: as `kubectl get nodes` prints it. */
  readonly status: string;
  /** As `kubectl` prints them: `control-plane,worker`. */
  readonly roles?: string;
  /** The kubelet's version. */
  readonly version?: string;
  /** Internal ones first; canonical text. */
  readonly addresses: readonly string[];
  /** Those of them that are external. */
  readonly external: readonly string[];
  /** Its address of type Hostname; a table does not show it, nor any of the ids. */
  readonly hostname?: string;
  readonly machineId?: string;
  /** Of the boot that its kubelet was started in. */
  readonly bootId?: string;
  /** ISO 8601: when it joined the cluster. A table shows its age only. */
  readonly created?: string;
  /** As a table shows it: `15d`. */
  readonly age?: string;
  readonly os?: string;
  readonly kernel?: string;
  readonly runtime?: string;
  readonly arch?: string;
  /** Prefixes that its pods have addresses of. */
  readonly podCidrs: readonly string[];
};

const HEADING = /^NAME\s+STATUS\s+ROLES\s/;

/**
 * Sample (kubectl 1.28, `kubectl get nodes -o wide`):
 * ```
 * NAME     STATUS   ROLES           AGE   VERSION   INTERNAL-IP    EXTERNAL-IP   OS-IMAGE             KERNEL-VERSION    CONTAINER-RUNTIME
 * k8s-01   Ready    control-plane   15d   v1.28.2   192.168.0.67   <none>        Ubuntu 20.04.6 LTS   5.15.0-1053-aws   containerd://1.6.28
 * ```
 */
export function parseNodeTable(out: Uint8Array): Parsed<ClusterNode> {
  const {rows, problems} = tableRows(out, HEADING);
  return {
    rows: rows.map(({line: {from, to}, cells}) => ({
      from,
      to,
      name: cells.get('NAME')!,
      status: cells.get('STATUS') ?? 'Unknown',
      addresses: ['INTERNAL-IP', 'EXTERNAL-IP'].flatMap(column => canonical(cells.get(column) ?? '') ?? []),
      external: [canonical(cells.get('EXTERNAL-IP') ?? '')].filter(address => address !== undefined),
      ...optional('age', cells.get('AGE')),
      podCidrs: [],
      ...optional('roles', cells.get('ROLES')),
      ...optional('version', cells.get('VERSION')),
      ...optional('os', cells.get('OS-IMAGE')),
      ...optional('kernel', cells.get('KERNEL-VERSION')),
      ...optional('runtime', cells.get('CONTAINER-RUNTIME')),
    })),
    problems,
  };
}

/** Sample (Kubernetes 1.36, `/api/v1/nodes`): `status.addresses`, `status.nodeInfo`, `status.conditions`, `spec.podCIDRs`. */
export function parseNodeObjects(out: Uint8Array): Parsed<ClusterNode> {
  const {objects, problems} = kubeObjects(out);
  return {rows: objects.flatMap(nodeOf), problems};
}

/** None of an object of another kind. */
export function nodeOf({from, to, kind, fields}: KubeObject): ClusterNode[] {
  if (kind !== 'Node') return [];
  const [metadata, spec, status] = ['metadata', 'spec', 'status'].map(key => inner(fields, key) ?? {});
  const name = text(metadata!, 'name');
  if (name === undefined) return [];
  const info = inner(status, 'nodeInfo') ?? {};
  const roles = Object.keys(inner(metadata, 'labels') ?? {})
    .map(label => /^node-role\.kubernetes\.io\/(.+)$/.exec(label)?.[1])
    .filter(role => role !== undefined)
    .sort();
  const listed = inners(status!, 'addresses').filter(
    ({type}) => type === 'InternalIP' || type === 'ExternalIP',
  );
  const hostname = inners(status!, 'addresses').find(({type}) => type === 'Hostname');
  const byType = (type: string) =>
    listed.filter(one => one['type'] === type).flatMap(one => canonical(text(one, 'address') ?? '') ?? []);
  const cidr = text(spec!, 'podCIDR');
  const cidrs = words(spec!, 'podCIDRs');
  return [
    {
      from,
      to,
      name,
      status: statusOf(inners(status!, 'conditions'), spec!['unschedulable'] === true),
      addresses: [...byType('InternalIP'), ...byType('ExternalIP')],
      external: byType('ExternalIP'),
      ...optional('hostname', hostname === undefined ? undefined : text(hostname, 'address')),
      ...optional('machineId', text(info, 'machineID')),
      ...optional('bootId', text(info, 'bootID')),
      ...optional('created', text(metadata!, 'creationTimestamp')),
      podCidrs: cidrs.length > 0 ? cidrs : cidr === undefined ? [] : [cidr],
      ...optional('roles', roles.length > 0 ? roles.join(',') : undefined),
      ...optional('version', text(info, 'kubeletVersion')),
      ...optional('os', text(info, 'osImage')),
      ...optional('kernel', text(info, 'kernelVersion')),
      ...optional('runtime', text(info, 'containerRuntimeVersion')),
      ...optional('arch', text(info, 'architecture')),
    },
  ];
}

/** As `kubectl get nodes` makes it of the condition `Ready`. */
function statusOf(conditions: readonly Readonly<Record<string, unknown>>[], unschedulable: boolean): string {
  const ready = conditions.find(({type}) => type === 'Ready')?.['status'];
  const word = ready === 'True' ? 'Ready' : ready === 'False' ? 'NotReady' : 'Unknown';
  return unschedulable ? `${word},SchedulingDisabled` : word;
}
