/**
 * What the ports of network plugins and of Kubernetes itself are for. Data: each fact with where it is written. All
 * are defaults that a flag can change, so a port's number alone proves nothing (see `purposes.ts`).
 */

/**
 * Which connections of it are expected: `mesh` from every node to every other, `pairs` one between every two nodes,
 * whichever calls, `some` none in particular.
 */
export type Shape = 'mesh' | 'pairs' | 'some';

export type PortFact = {
  /** Names the purpose in answers and after `hoptop mesh`. */
  readonly key: string;
  /** The plugin or component it belongs to. */
  readonly of: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /**
   * Names of the processes that listen there, as the kernel has them (`comm`, at most 15 characters, `proc(5)`). Empty:
   * the kernel itself listens, for a tunnel device.
   */
  readonly programs: readonly string[];
  /** Kinds and names of the tunnel devices whose port it is; they tell plugins apart that use the same number. */
  readonly devices?: {readonly kind: string; readonly names: RegExp};
  /** Names of the processes that call it, where only they do: they tell what it is when who listens was not read. */
  readonly callers?: readonly string[];
  /** Where in the network it listens, when that is what tells two purposes of one port apart. */
  readonly at?: 'node' | 'endpoint';
  /** What it is for: goes on after "it is". */
  readonly purpose: string;
  /** Who asks there, when that is always the node itself. */
  readonly probe?: string;
  readonly shape: Shape;
  readonly source: string;
};

const CILIUM = 'https://docs.cilium.io/en/stable/operations/system_requirements/#firewall-rules';
const CILIUM_HEALTH = 'https://docs.cilium.io/en/stable/operations/troubleshooting/#cluster-health';
const KUBERNETES = 'https://kubernetes.io/docs/reference/networking/ports-and-protocols/';
const KUBERNETES_CODE = 'https://github.com/kubernetes/kubernetes/blob/master/pkg/cluster/ports/ports.go';
const CALICO = 'https://docs.tigera.io/calico/latest/getting-started/kubernetes/requirements';
const FELIX = 'https://docs.tigera.io/calico/latest/reference/felix/configuration';
const FLANNEL = 'https://github.com/flannel-io/flannel/blob/master/Documentation/backends.md';
const WEAVE = 'https://github.com/weaveworks/weave/blob/master/site/kubernetes/kube-addon.md';
const ANTREA = 'https://github.com/antrea-io/antrea/blob/main/docs/network-requirements.md';
const AWS = 'https://github.com/aws/amazon-vpc-cni-k8s/blob/master/README.md';
const KUBE_ROUTER = 'https://github.com/cloudnativelabs/kube-router/blob/master/docs/health.md';

type Rest = Omit<PortFact, 'of' | 'source'>;
const all = (of: string, source: string, rows: readonly Rest[]): PortFact[] =>
  rows.map(row => ({of, source, ...row}));

const tcp = (
  key: string,
  port: number,
  programs: readonly string[],
  purpose: string,
  more: Partial<Rest> = {},
): Rest => ({
  key,
  protocol: 'tcp',
  port,
  programs: programs.map(name => name.slice(0, 15)),
  purpose,
  shape: 'some',
  ...more,
});

const tunnel = (key: string, port: number, kind: string, names: RegExp, purpose: string): Rest => ({
  key,
  protocol: 'udp',
  port,
  programs: [],
  devices: {kind, names},
  purpose,
  shape: 'mesh',
});

const AGENT = ['cilium-agent'];
const BIRD = ['bird', 'bird6'];
const FELIX_PROGRAMS = ['calico-node', 'calico'];

/** In the order that they are told of. */
export const PORTS: readonly PortFact[] = [
  ...all('cilium', CILIUM_HEALTH, [
    tcp('cilium-health', 4240, AGENT, 'the agent’s health port: every agent probes that of every node', {
      at: 'node',
      callers: AGENT,
      shape: 'mesh',
    }),
    tcp(
      'cilium-health-endpoint',
      4240,
      ['cilium-health-responder'],
      'a health endpoint: every agent probes that of every node, through the pods’ network',
      {at: 'endpoint', callers: AGENT, shape: 'mesh'},
    ),
  ]),
  ...all('cilium', CILIUM, [
    tcp('hubble', 4244, AGENT, 'the Hubble server: Hubble Relay asks each node for its flows there'),
    tcp('hubble-relay', 4245, ['hubble-relay'], 'Hubble Relay'),
    tcp('cilium-mutual-auth', 4250, AGENT, 'mutual authentication between agents'),
    tcp('cilium-pprof', 6060, AGENT, 'the agent’s pprof server'),
    tcp('cilium-envoy-health', 9878, ['cilium-envoy'], 'Envoy’s health listener', {probe: 'kubelet'}),
    tcp('cilium-healthz', 9879, AGENT, 'the agent’s health status API', {
      probe: 'kubelet: startup, liveness and readiness probe, GET /healthz',
    }),
    tcp('cilium-gops', 9890, AGENT, 'the agent’s gops server (diagnosis of a Go process)'),
    tcp('cilium-operator-gops', 9891, ['cilium-operator'], 'the operator’s gops server'),
    tcp('cilium-envoy-admin', 9901, ['cilium-envoy'], 'Envoy’s admin API'),
    tcp('cilium-metrics', 9962, AGENT, 'the agent’s Prometheus metrics'),
    tcp('cilium-operator-metrics', 9963, ['cilium-operator'], 'the operator’s Prometheus metrics'),
    tcp('cilium-envoy-metrics', 9964, ['cilium-envoy', 'cilium-agent'], 'Envoy’s Prometheus metrics'),
    tunnel('cilium-vxlan', 8472, 'vxlan', /^cilium_vxlan$/, 'Cilium’s VXLAN overlay'),
    tunnel('cilium-geneve', 6081, 'geneve', /^cilium_geneve$/, 'Cilium’s Geneve overlay'),
    tunnel('cilium-wireguard', 51_871, 'wireguard', /^cilium_wg0$/, 'Cilium’s WireGuard tunnel'),
  ]),
  ...all('flannel', FLANNEL, [
    tunnel('flannel-vxlan', 8472, 'vxlan', /^flannel(-v6)?\.\d+$/, 'flannel’s VXLAN overlay'),
    tunnel('flannel-wireguard', 51_820, 'wireguard', /^flannel-wg$/, 'flannel’s WireGuard tunnel'),
  ]),
  ...all('calico', CALICO, [
    tcp('bgp', 179, BIRD, 'BGP: nodes tell each other the routes to their pods', {callers: BIRD}),
    tcp('typha', 5473, ['calico-typha'], 'Typha: every Felix gets its updates from one of them'),
    tunnel('calico-vxlan', 4789, 'vxlan', /^vxlan(-v6)?\.calico$/, 'Calico’s VXLAN overlay'),
    tunnel('calico-wireguard', 51_820, 'wireguard', /^wireguard\.cali$/, 'Calico’s WireGuard tunnel'),
  ]),
  ...all('calico', FELIX, [
    tcp('felix-health', 9099, FELIX_PROGRAMS, 'Felix’s health', {
      probe: 'kubelet: liveness and readiness probe',
    }),
    tcp('felix-metrics', 9091, FELIX_PROGRAMS, 'Felix’s Prometheus metrics'),
  ]),
  ...all('weave', WEAVE, [
    tcp('weave', 6783, ['weaver'], 'Weave’s control: every peer with every other', {
      callers: ['weaver'],
      shape: 'pairs',
    }),
    tunnel('weave-fastdp', 6784, 'vxlan', /^vxlan-6784$/, 'Weave’s fast datapath'),
    tcp('weave-http', 6784, ['weaver'], 'Weave’s status API', {probe: 'kubelet'}),
    tcp('weave-metrics', 6782, ['weaver'], 'Weave’s Prometheus metrics'),
    tcp('weave-npc-metrics', 6781, ['weave-npc'], 'Prometheus metrics of Weave’s policy controller'),
  ]),
  ...all('antrea', ANTREA, [
    tunnel('ovs-geneve', 6081, 'geneve', /^genev_sys_6081$/, 'the Geneve overlay of Open vSwitch'),
    tcp('antrea-agent-api', 10_350, ['antrea-agent'], 'the Antrea agent’s API'),
    tcp('antrea-cluster', 10_351, ['antrea-agent'], 'gossip of Antrea’s agents on who is alive'),
  ]),
  ...all('kube-router', KUBE_ROUTER, [
    tcp('kube-router-health', 20_244, ['kube-router'], 'kube-router’s health', {probe: 'kubelet'}),
    tcp('kube-router-bgp', 179, ['kube-router'], 'BGP: nodes tell each other the routes to their pods'),
  ]),
  ...all('aws-vpc-cni', AWS, [
    tcp('aws-cni-metrics', 61_678, ['aws-k8s-agent'], 'Prometheus metrics of the AWS VPC CNI’s ipamd'),
    tcp('aws-cni-introspection', 61_679, ['aws-k8s-agent'], 'introspection of the AWS VPC CNI’s ipamd'),
    tcp(
      'aws-cni-ipamd',
      50_051,
      ['aws-k8s-agent'],
      'the AWS VPC CNI’s ipamd, which the plugin asks for addresses',
    ),
  ]),
  ...all('kubernetes', KUBERNETES, [
    tcp('apiserver', 6443, ['kube-apiserver'], 'the Kubernetes API server'),
    tcp('etcd', 2379, ['etcd'], 'etcd’s client API'),
    tcp('etcd-peer', 2380, ['etcd'], 'etcd’s members among themselves'),
    tcp('kubelet', 10_250, ['kubelet'], 'the kubelet’s API: the API server asks it for logs and exec'),
    tcp('controller-manager', 10_257, ['kube-controller-manager'], 'the controller manager'),
    tcp('scheduler', 10_259, ['kube-scheduler'], 'the scheduler'),
  ]),
  ...all('kubernetes', KUBERNETES_CODE, [
    tcp('kubelet-healthz', 10_248, ['kubelet'], 'the kubelet’s own health'),
    tcp('kube-proxy-metrics', 10_249, ['kube-proxy'], 'kube-proxy’s metrics'),
    tcp('kube-proxy-healthz', 10_256, ['kube-proxy'], 'kube-proxy’s health, which load balancers ask'),
  ]),
];
