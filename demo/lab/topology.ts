/**
 * What a lab is made of, as data. A topology names its nodes, how their pods are joined (the plugin and the routes
 * between nodes), its pods and its services; everything else in this folder turns that into namespaces and processes.
 */

export type NodePlan = {
  readonly name: string;
  /** Address on the fabric, without prefix; sshd listens there. */
  readonly address: string;
  /** The node's share of the pod network, e.g. `10.244.1.0/24`. */
  readonly podCidr: string;
};

export type ContainerPlan = {
  readonly name: string;
  /** Words after `traffic NAME` (see traffic.pl), or a whole command line. Both may hold references. */
  readonly run: {readonly roles: readonly string[]} | {readonly command: readonly string[]};
};

/**
 * A pod of one node. In the words of its containers `{pod:NAMESPACE/NAME}` stands for that pod's address, which is
 * known only once it runs, so such a pod starts after those that refer to nobody; `{svc:NAMESPACE/NAME}` stands for a
 * service's ClusterIP.
 */
export type PodPlan = {
  readonly namespace: string;
  readonly name: string;
  /** The `app` label; services select by it. */
  readonly app: string;
  readonly node: string;
  readonly hostNetwork?: true;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerPlan[];
};

export type ServicePlan = {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIp: string;
  /** Pods with this `app` label in the same namespace are its endpoints; none is allowed. */
  readonly app: string;
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: 'tcp' | 'udp';
    readonly port: number;
    readonly targetPort: number;
  }[];
};

export type Topology = {
  readonly name: string;
  /** One sentence for `lab up --help`. */
  readonly about: string;
  /** How pods are joined: the CNI configuration of each node, and the links and routes between nodes. */
  readonly datapath: 'flannel-vxlan' | 'routed';
  /** The whole pod network: what kube-proxy calls the cluster CIDR. */
  readonly clusterCidr: string;
  /** The fabric bridge's own address with its prefix: the nodes' default gateway, and where hoptop runs. */
  readonly fabric: string;
  readonly nodes: readonly NodePlan[];
  readonly pods: readonly PodPlan[];
  readonly services: readonly ServicePlan[];
};
