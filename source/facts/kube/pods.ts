import {type Fields, inner, inners, text} from '../elements.ts';
import type {Parsed, Span} from '../evidence.ts';
import {optional} from '../links.ts';
import {canonical} from '../prefix.ts';
import {type KubeObject, kubeObjects} from './objects.ts';
import {tableRows} from './table.ts';
import {type ContainerSpec, containersOf} from './workloads.ts';

/** One pod as the Kubernetes API has it. */
export type ClusterPod = Span & {
  readonly namespace: string;
  readonly name: string;
  /** The API's uid; a table does not show it. */
  readonly uid?: string;
  /** The uid that the node knows it by where that is another one: static pods (annotation `kubernetes.io/config.hash`). */
  readonly nodeUid?: string;
  /** Node it is scheduled to. */
  readonly node?: string;
  /** Canonical text; of a pod on the host's network, the node's. */
  readonly addresses: readonly string[];
  /** A table does not show it: undefined. */
  readonly hostNetwork?: boolean;
  /** Phase, or what `kubectl get pods` shows as its status. */
  readonly status: string;
  /** Empty where only a table was read. */
  readonly containers: readonly ContainerSpec[];
  /** Its controller: `DaemonSet/cilium`. */
  readonly owner?: string;
};

const HEADING = /^(?:NAMESPACE\s+)?NAME\s+READY\s+STATUS\s/;

/**
 * Sample (kubectl 1.28, `kubectl get pods -A -o wide`; without `-A` the first column is missing, and so is the pods'
 * namespace: `?`):
 * ```
 * NAMESPACE     NAME           READY   STATUS    RESTARTS   AGE   IP             NODE     NOMINATED NODE   READINESS GATES
 * kube-system   cilium-7wzcx   1/1     Running   0          15d   192.168.0.67   k8s-01   <none>           <none>
 * ```
 */
export function parsePodTable(out: Uint8Array): Parsed<ClusterPod> {
  const {rows, problems} = tableRows(out, HEADING);
  return {
    rows: rows.map(({line: {from, to}, cells}) => ({
      from,
      to,
      namespace: cells.get('NAMESPACE') ?? '?',
      name: cells.get('NAME')!,
      addresses: [canonical(cells.get('IP') ?? '')].filter(address => address !== undefined),
      status: cells.get('STATUS') ?? 'Unknown',
      containers: [],
      ...optional('node', cells.get('NODE')),
    })),
    problems,
  };
}

export function parsePodObjects(out: Uint8Array): Parsed<ClusterPod> {
  const {objects, problems} = kubeObjects(out);
  return {rows: objects.flatMap(podOf), problems};
}

/** None of an object of another kind. */
export function podOf({from, to, kind, fields}: KubeObject): ClusterPod[] {
  if (kind !== 'Pod') return [];
  const [metadata, spec, status] = ['metadata', 'spec', 'status'].map(key => inner(fields, key) ?? {}) as [
    Fields,
    Fields,
    Fields,
  ];
  const name = text(metadata, 'name');
  if (name === undefined) return [];
  const several = inners(status, 'podIPs').map(one => text(one, 'ip'));
  const printed = several.length > 0 ? several : [text(status, 'podIP')];
  const owner = inners(metadata, 'ownerReferences').find(({controller}) => controller === true);
  return [
    {
      from,
      to,
      namespace: text(metadata, 'namespace') ?? 'default',
      name,
      addresses: printed.flatMap(ip => canonical(ip ?? '') ?? []),
      hostNetwork: spec['hostNetwork'] === true,
      status:
        text(metadata, 'deletionTimestamp') === undefined
          ? (text(status, 'phase') ?? 'Unknown')
          : 'Terminating',
      containers: containersOf(spec),
      ...optional('uid', text(metadata, 'uid')),
      ...optional('nodeUid', text(inner(metadata, 'annotations') ?? {}, 'kubernetes.io/config.hash')),
      ...optional('node', text(spec, 'nodeName')),
      ...optional('owner', owner && `${text(owner, 'kind')}/${text(owner, 'name')}`),
    },
  ];
}
