/**
 * What a lab is made of, as data. A topology names its nodes, how their pods are joined (the plugin and the routes
 * between nodes), its pods and its services; everything else in this folder turns that into namespaces and processes.
 */

/** How pods are joined; `datapath.ts` says what each is. */
export type DatapathName = 'flannel-vxlan' | 'flannel-host-gw' | 'routed' | 'bird' | 'vpc';

/** A network card beside eth0. */
export type NicPlan = {
  readonly device: string;
  /** With its prefix. */
  readonly address: string;
  /** What it is plugged into: a bridge of the fabric, or one link of a router that has this address with its prefix. */
  readonly to: {readonly bridge: string} | {readonly router: string; readonly address: string};
};

export type NodePlan = {
  readonly name: string;
  /** eth0's address on the fabric, without prefix; sshd listens there. */
  readonly address: string;
  /** The node's share of the pod network, e.g. `10.244.1.0/24`. */
  readonly podCidr: string;
  /** The same for IPv6 in a cluster that has both. */
  readonly address6?: string;
  readonly podCidr6?: string;
  readonly nics?: readonly NicPlan[];
};

export type ContainerPlan = {
  readonly name: string;
  /** Words after `traffic NAME` (see traffic.pl), or a whole command line. Both may hold references. */
  readonly run: {readonly roles: readonly string[]} | {readonly command: readonly string[]};
};

/**
 * A pod of one node. In the words of its containers `{pod:NAMESPACE/NAME}` stands for that pod's address and
 * `{svc:NAMESPACE/NAME}` for a service's ClusterIP; `{pod6:…}` and `{svc6:…}` for their IPv6 addresses, in brackets.
 * Such a pod's containers start after those of the pods that they call.
 */
export type PodPlan = {
  readonly namespace: string;
  readonly name: string;
  /** The `app` label; services select by it. */
  readonly app: string;
  readonly node: string;
  readonly hostNetwork?: true;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Ports of the pod that its node offers as its own (`hostPort`), by the portmap plugin. */
  readonly hostPorts?: readonly {
    readonly protocol: 'tcp' | 'udp';
    readonly hostPort: number;
    readonly containerPort: number;
  }[];
  readonly containers: readonly ContainerPlan[];
};

export type ServicePlan = {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIp: string;
  /** In a cluster with both families. */
  readonly clusterIp6?: string;
  /** Pods with this `app` label in the same namespace are its endpoints; none is allowed. */
  readonly app: string;
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: 'tcp' | 'udp';
    readonly port: number;
    readonly targetPort: number;
    /** The port on every node that leads to it too. */
    readonly nodePort?: number;
  }[];
};

/** A program in the fabric namespace; `roles` as in a container. */
export type ProgramPlan = {readonly name: string; readonly roles: readonly string[]};

/** Who is outside of the cluster: addresses on the fabric namespace's loopback, and programs that run there. */
export type OutsidePlan = {
  readonly address: string;
  readonly address6?: string;
  /** Started before the pods. */
  readonly servers: readonly ProgramPlan[];
  /** Started when everything else is there. */
  readonly callers: readonly ProgramPlan[];
};

/**
 * A router between nodes: a machine like a node, with sshd and BIRD, but no containerd and no pods. Who reads only the
 * nodes does not know what it does, as in a real data centre.
 */
export type RouterPlan = {
  readonly name: string;
  /** eth0's address on the fabric, without prefix; sshd listens there. */
  readonly address: string;
};

/** What is booted: a node or a router. */
export type MachinePlan = Pick<NodePlan, 'name' | 'address' | 'address6' | 'nics'>;

export type Topology = {
  readonly name: string;
  /** One sentence for `lab up --help`. */
  readonly about: string;
  /** How pods are joined: the CNI configuration of each node, and the links and routes between nodes. */
  readonly datapath: DatapathName;
  /** The whole pod network: what kube-proxy calls the cluster CIDR. */
  readonly clusterCidr: string;
  readonly clusterCidr6?: string;
  /** The fabric bridge's own address with its prefix: the nodes' default gateway, and where hoptop runs. */
  readonly fabric: string;
  readonly fabric6?: string;
  /** Further bridges of the fabric namespace, with their addresses; it routes between them. */
  readonly bridges?: readonly {readonly name: string; readonly address: string}[];
  readonly routers?: readonly RouterPlan[];
  readonly outside: OutsidePlan;
  readonly nodes: readonly NodePlan[];
  readonly pods: readonly PodPlan[];
  readonly services: readonly ServicePlan[];
};
