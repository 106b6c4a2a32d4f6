import type {Address} from '../facts/addresses.ts';
import type {Cluster} from '../facts/cluster.ts';
import type {Evidence, Gap} from '../facts/evidence.ts';
import type {ClusterNode} from '../facts/kube/nodes.ts';
import type {ClusterPod} from '../facts/kube/pods.ts';
import type {Counters, Link} from '../facts/links.ts';
import type {Process} from '../facts/processes.ts';
import type {Sandbox} from '../facts/sandboxes.ts';
import type {NetnsFacts, Snapshot} from '../facts/snapshot.ts';
import type {NodeEvent} from '../wire/source.ts';
import type {Ends} from './ends.ts';
import type {Listed} from './listed.ts';
import type {Pair} from './pairs.ts';

/** What the builder is given of one node. */
export type NodeInput = {
  /** Absent as long as nothing has been read of it. */
  readonly snapshot?: Snapshot | undefined;
  /** The one before: for rates and change marks. */
  readonly previous?: Snapshot | undefined;
  /** `listed`: nobody was asked to read it; only the Kubernetes API tells of it. */
  readonly state: NodeEvent['state'] | 'listed';
  readonly step?: string | undefined;
  readonly cause?: string | undefined;
  /** What Kubernetes calls it, by the inventory. */
  readonly kubernetes?: string | undefined;
  /** When it entered this state. */
  readonly since?: string | undefined;
};

/**
 * How sure a join is. `proven`: seen from both sides. `inferred`: it follows from one side and nothing contradicts
 * it. `ambiguous`: several candidates fit, all are listed. `unknown`: nothing fits, the reason says why.
 */
export type Grade = 'proven' | 'inferred' | 'ambiguous' | 'unknown';

/** What the kernels of all nodes say at one moment, joined and indexed. Knows no network plugin. */
export type Graph = {
  /** The moment that "now" is for ages. */
  readonly at: string;
  readonly nodes: readonly GraphNode[];
  /** Of all nodes; `Namespace.index` is the place in here. */
  readonly namespaces: readonly Namespace[];
  readonly pods: readonly Pod[];
  /** Namespaces by the canonical text of an address they hold; loopback addresses are in none. */
  readonly byAddress: ReadonlyMap<string, readonly Namespace[]>;
  /** The other end, or the lower device, of each interface that has one in the kernel. */
  readonly pairs: ReadonlyMap<Interface, Pair>;
  /** By `GraphNode.index`: the other end of each socket of that node. */
  readonly ends: readonly Ends[];
  /** What the Kubernetes API says, where it was read. */
  readonly cluster: Cluster | undefined;
  /** By address: the node or pod that the Kubernetes API has there, where no interface read has it. */
  readonly listedAt: ReadonlyMap<string, Listed>;
  readonly gaps: readonly Gap[];
  /** The raw text of a statement, as long as its reply is held: for what is shown of one thing and kept of none. */
  readonly textOf?: ((evidence: Evidence) => string | undefined) | undefined;
};

export type GraphNode = NodeInput & {
  readonly index: number;
  /** What it was called on the command line or in the inventory. */
  readonly id: string;
  /** Its hostname, or the id where the hostname is unknown or another node has the same. */
  readonly name: string;
  /** Addresses of the node's own namespace that others can reach, the one it is known by first. */
  readonly addresses: readonly string[];
  readonly host: Namespace | undefined;
  readonly namespaces: readonly Namespace[];
  readonly byInode: ReadonlyMap<string, Namespace>;
  readonly pods: readonly Pod[];
  readonly processes: readonly Proc[];
  readonly byPid: ReadonlyMap<number, Proc>;
  /** What the Kubernetes API says of it. */
  readonly listed: ClusterNode | undefined;
  /** Why it is that node of the API; absent where only the API tells of it. */
  readonly listedAs: {readonly grade: Grade; readonly why: string} | undefined;
};

export type Namespace = {
  readonly index: number;
  readonly node: GraphNode;
  readonly inode: string;
  readonly kind: 'host' | 'pod' | 'other';
  readonly pods: readonly Pod[];
  readonly pids: readonly number[];
  /** Bind mounts that keep it, e.g. `/run/netns/cni-…`. */
  readonly paths: readonly string[];
  readonly facts: NetnsFacts | undefined;
  readonly interfaces: readonly Interface[];
  readonly byName: ReadonlyMap<string, Interface>;
};

export type Interface = {
  readonly namespace: Namespace;
  readonly link: Link;
  readonly addresses: readonly Address[];
  /** The newest counters: of this sweep's `/proc/PID/net/dev` where read, else those read with the link. */
  readonly counters: Counters | undefined;
  /** Each a second; a counter that went back, or has no earlier value, is absent. */
  readonly rates: Partial<Counters>;
  /** Keys of `Link` and `Counters` whose value differs from the sweep before. */
  readonly changed: readonly string[];
};

export type Pod = {
  readonly node: GraphNode;
  readonly namespace: string;
  readonly name: string;
  /** `NS/NAME`, with `@NODE` where two nodes have a pod of that name. */
  readonly key: string;
  readonly uid: string;
  readonly sandbox: Sandbox | undefined;
  readonly netns: Namespace | undefined;
  /** How the namespace was found, or why not. */
  readonly why: string;
  readonly grade: Grade;
  readonly hostNetwork: boolean;
  /** Addresses in its namespace but loopback and link-local; of a host-network pod, the node's. */
  readonly addresses: readonly string[];
  readonly containers: readonly Container[];
  readonly processes: readonly Proc[];
  /** What the Kubernetes API says of it. */
  readonly listed: ClusterPod | undefined;
  /** Where the API and the node say different things of it, each as a clause that tells both. */
  readonly disagreements: readonly string[];
};

export type Container = {
  readonly id: string;
  readonly name: string;
  readonly sandbox: Sandbox;
};

export type Proc = {
  readonly node: GraphNode;
  readonly process: Process;
  readonly netns: Namespace | undefined;
  /** Absent for a process outside containers, and for the sandbox's own. */
  readonly container: Container | undefined;
  readonly pod: Pod | undefined;
  readonly children: readonly Proc[];
};
