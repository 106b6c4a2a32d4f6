import type {Evidence} from '../facts/evidence.ts';
import type {GraphNode} from './graph.ts';

/** By which means a node translates a service. `ebpf`: maps of it are pinned there, whose contents are not read. */
export type Datapath = 'iptables' | 'nftables' | 'ipvs' | 'ebpf';

/** How a service is called: its ClusterIP, a port of every node, a pod's port on its node, or an address given it. */
export type ServiceKind = 'clusterIP' | 'nodePort' | 'hostPort' | 'externalIP' | 'loadBalancer';

/** One port of a service as one node's own rules have it. */
export type NodeService = {
  readonly node: GraphNode;
  readonly kind: ServiceKind;
  /** `ns/name:port` from the rules' comments (kube-proxy writes them); undefined where nothing names it. */
  readonly name: string | undefined;
  readonly family: 4 | 6;
  /** Undefined for a port of every address of the node. */
  readonly address: string | undefined;
  readonly port: number;
  readonly protocol: string;
  readonly datapath: Datapath;
  readonly backends: readonly Backend[];
  /** What happens to a call when there is no backend. */
  readonly empty?: 'rejected' | 'dropped';
  readonly evidence: readonly Evidence[];
};

export type Backend = {
  readonly address: string;
  readonly port: number;
  /** Share of new connections, 0 to 1; undefined where the rules do not tell (affinity, a scheduler with weights). */
  readonly probability: number | undefined;
  readonly evidence: readonly Evidence[];
};
