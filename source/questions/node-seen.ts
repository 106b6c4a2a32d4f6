import type {GraphNode} from '../model/graph.ts';
import type {EvidenceRow} from './schema.ts';

/** What a node itself shows of what the Kubernetes API would say of it; always inferred. */
export type Seen = {
  readonly roles?: string;
  /** Of Kubernetes' own programs there, which need not be the kubelet's. */
  readonly version?: string;
  readonly why: string;
  readonly evidence: readonly EvidenceRow[];
};

/** The API server's own process (`kube-apiserver`), or a server of K3s or RKE2, which has it inside. */
const SERVER = /^(\S*\/)?(kube-apiserver|(k3s|rke2) server)( |$)/;

/**
 * The images of what kubeadm and most others run on each node, or on control planes, at the cluster's version:
 * `registry.k8s.io/kube-proxy:v1.36.0`.
 */
const IMAGE =
  /(?:^|\/)(kube-proxy|kube-apiserver|kube-controller-manager|kube-scheduler):(v\d+\.\d+\.\d+\S*)$/;

/** Nothing where nothing on the node shows it: a node without a role looks like any other. */
export function seenOf({id, snapshot}: GraphNode): Seen | undefined {
  const evidence: EvidenceRow[] = [];
  const why: string[] = [];
  const server = snapshot?.processes?.value.find(({command}) => SERVER.test(command));
  if (server) {
    const {sweep} = snapshot!.processes!;
    evidence.push({node: id, fact: 'processes', sweep, from: server.from, to: server.to});
    why.push(`process ${server.pid} is ${server.name}, which runs on control planes`);
  }
  const images = (snapshot?.sandboxes?.value ?? [])
    .map(container => ({container, match: IMAGE.exec(container.image ?? '')}))
    .filter(({match}) => match !== null)
    .sort((a, b) => ORDER.indexOf(a.match![1]!) - ORDER.indexOf(b.match![1]!));
  const [image] = images;
  if (image) {
    const {sweep} = snapshot!.sandboxes!;
    evidence.push({
      node: id,
      fact: 'sandboxes',
      sweep,
      from: image.container.from,
      to: image.container.to,
    });
    why.push(`a container's image is ${image.match![0].replace(/^\//, '')}`);
  }
  if (why.length === 0) return undefined;
  return {
    ...(server ? {roles: 'control-plane'} : {}),
    ...(image ? {version: image.match![2]!} : {}),
    why: why.join('; '),
    evidence,
  };
}

/** kube-proxy runs beside each kubelet and is upgraded with it; the others are of the control plane. */
const ORDER = ['kube-proxy', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
