/** The pods, services and traffic that all topologies run: a small shop, its data, and the cluster's own parts. */
import type {NodePlan, OutsidePlan, PodPlan, ServicePlan} from './topology.ts';

/** Port of meshd's health connections (the one Cilium's agents use for theirs). */
export const MESH_PORT = 4240;
const CART_NODE_PORT = 30070;
const WEB_NODE_PORT = 30080;
const DNS_NODE_PORT = 30053;
/** ClusterIP of the cluster's DNS, as kubeadm gives it. */
const RESOLVER = '10.96.0.10';

/** Addresses outside of any cluster, from the blocks kept for documentation (RFC 5737, RFC 3849). */
const OUTSIDE = '198.51.100.10';
const OUTSIDE6 = '2001:db8:51::10';

const traffic = (name: string, ...roles: string[]) => ({name, run: {roles}});

type Nodes = readonly [NodePlan, NodePlan, NodePlan];

const bothIn = (nodes: Nodes) => nodes.every(node => node.address6);

/**
 * The workloads of a three-node cluster: a control plane and two workers. Where the nodes have both families, what
 * serves does so on both, and some callers use both.
 */
export const workloads = (nodes: Nodes): PodPlan[] => {
  const both = bothIn(nodes);
  const serve = (protocol: 'tcp' | 'udp', port: number) => [
    `serve=${protocol}:${port}`,
    ...(both ? [`serve=${protocol}6:${port}`] : []),
  ];
  /** Roles that only a cluster with both families has. */
  const on6 = (...roles: string[]) => (both ? roles : []);
  const [control, first, second] = nodes.map(node => node.name) as [string, string, string];
  const mesh = nodes.map(node => `call=tcp:${node.address}:${MESH_PORT}:1:3`);
  const meshd = (suffix: string, node: string): PodPlan => ({
    namespace: 'kube-system',
    name: `meshd-${suffix}`,
    app: 'meshd',
    node,
    hostNetwork: true,
    containers: [
      traffic(
        'meshd',
        ...serve('tcp', MESH_PORT),
        ...mesh,
        // The host's own network, through a ClusterIP (by its number, so that it waits for nobody).
        `call=udp:${RESOLVER}:53:1:5`,
        // The first node calls a port of the last one, which may lead on to a third.
        ...(node === control ? [`call=tcp:${nodes[2].address}:${CART_NODE_PORT}:1:3`] : []),
      ),
    ],
  });
  const web = (suffix: string, node: string): PodPlan => ({
    namespace: 'shop',
    name: `web-7c5ddbdf54-${suffix}`,
    app: 'web',
    node,
    containers: [
      {
        name: 'web',
        run: {
          command: [
            '/bin/sh',
            '-c',
            'httpd -p 8080 -h /www && exec traffic web call=tcp:{svc:shop/cart}:7070:3:2 ' +
              'call=udp:{svc:data/collector}:8125:1:1 call=udp:{svc:kube-system/resolver}:53:1:5 ' +
              // Outside of the cluster: masqueraded.
              [
                `call=tcp:${OUTSIDE}:443:1:3`,
                ...on6(
                  'call=tcp:{svc6:shop/cart}:7070:2:2',
                  'call=udp:{svc6:data/collector}:8125:1:1',
                  `call=tcp:[${OUTSIDE6}]:443:1:3`,
                ),
              ].join(' '),
          ],
        },
      },
      traffic('log-shipper', 'call=tcp:{pod:data/collector-0}:5140:1:1'),
    ],
  });
  const cart = (suffix: string, node: string): PodPlan => ({
    namespace: 'shop',
    name: `cart-5f8d9c7b6c-${suffix}`,
    app: 'cart',
    node,
    containers: [
      traffic(
        'cart',
        ...serve('tcp', 7070),
        'call=tcp:{pod:shop/db-0}:5432:2:1',
        // The collector's port on its own node, not through a service.
        `call=tcp:${nodes[0].address}:5140:1:3`,
        ...on6('call=tcp:{pod6:shop/db-0}:5432:1:1'),
      ),
    ],
  });

  return [
    meshd('4x7qk', control),
    meshd('9wz2m', first),
    meshd('tl8hd', second),
    {
      namespace: 'kube-system',
      name: 'resolver-6d4b75cb6d-h2x9k',
      app: 'resolver',
      node: control,
      // It asks the DNS outside: masqueraded.
      containers: [
        traffic(
          'resolver',
          ...serve('udp', 53),
          `call=udp:${OUTSIDE}:53:1:3`,
          ...on6(`call=udp:[${OUTSIDE6}]:53:1:3`),
        ),
      ],
    },
    web('8kqzr', first),
    web('x7f2m', second),
    cart('m4t9z', first),
    cart('q7w2n', second),
    {
      namespace: 'shop',
      name: 'db-0',
      app: 'db',
      node: second,
      containers: [traffic('postgres', ...serve('tcp', 5432))],
    },
    // Refused over and over: nothing listens on db-0's 6379.
    {
      namespace: 'shop',
      name: 'payments-79b8d6f5c4-2rjvx',
      app: 'payments-worker',
      node: first,
      containers: [traffic('payments', 'call=tcp:{pod:shop/db-0}:6379:1:1')],
    },
    {
      namespace: 'data',
      name: 'collector-0',
      app: 'collector',
      node: control,
      hostPorts: [
        {protocol: 'tcp', hostPort: 5140, containerPort: 5140},
        {protocol: 'udp', hostPort: 8125, containerPort: 8125},
      ],
      // It reports to itself, through its own ClusterIP, as it does to any collector: a hairpin.
      containers: [
        traffic(
          'collector',
          ...serve('tcp', 5140),
          ...serve('udp', 8125),
          'call=tcp:{svc:data/collector}:5140:1:3',
          'call=udp:{svc:data/collector}:8125:1:3',
          ...on6('call=tcp:{svc6:data/collector}:5140:1:3'),
        ),
      ],
    },
    // The long slow transfer: the receiver reads 12 kB every half second, out of a receive buffer kept small.
    {
      namespace: 'data',
      name: 'archive-0',
      app: 'archive',
      node: second,
      sysctls: {'net.ipv4.tcp_rmem': '4096 16384 32768'},
      containers: [traffic('archive', 'drain=tcp:9000:12000')],
    },
    {
      namespace: 'data',
      name: 'backup-0',
      app: 'backup',
      node: first,
      containers: [traffic('backup', 'pour=tcp:{pod:data/archive-0}:9000')],
    },
    // A listener nobody calls.
    {
      namespace: 'data',
      name: 'legacy-report-6b9f7d5c48-zq5lp',
      app: 'legacy-report',
      node: control,
      containers: [traffic('legacy-report', 'serve=tcp:9999')],
    },
    // An idle pod.
    {
      namespace: 'default',
      name: 'toolbox',
      app: 'toolbox',
      node: second,
      containers: [{name: 'toolbox', run: {command: ['/bin/sleep', '1000d']}}],
    },
    // Short connections: one HTTP request every two seconds, each through the ClusterIP.
    {
      namespace: 'monitoring',
      name: 'prober-5d8c9b7f66-n8c4w',
      app: 'prober',
      node: control,
      containers: [traffic('prober', 'get=http:{svc:shop/web}:80:1:2')],
    },
  ];
};

/** Who calls in from outside: by ports of nodes, and by the ports that the collector has on its own node. */
export const outside = (nodes: Nodes): OutsidePlan => {
  const [control, first, second] = nodes;
  const both = bothIn(nodes);
  const on6 = (...roles: string[]) => (both ? roles : []);
  return {
    address: OUTSIDE,
    ...(both && {address6: OUTSIDE6}),
    servers: [
      {
        name: 'internet',
        roles: [
          'serve=tcp:443',
          `serve=udp:${OUTSIDE}:53`,
          ...on6('serve=tcp6:443', `serve=udp6:[${OUTSIDE6}]:53`),
        ],
      },
    ],
    callers: [
      {
        name: 'customer',
        roles: [
          ...nodes.map(node => `call=tcp:${node.address}:${CART_NODE_PORT}:1:2`),
          `get=http:${second.address}:${WEB_NODE_PORT}:1:3`,
          `call=udp:${first.address}:${DNS_NODE_PORT}:1:3`,
          `call=tcp:${control.address}:5140:1:3`,
          `call=udp:${control.address}:8125:1:3`,
          ...on6(
            `call=tcp:[${first.address6}]:${CART_NODE_PORT}:1:2`,
            `call=udp:[${first.address6}]:${DNS_NODE_PORT}:1:3`,
            `call=tcp:[${control.address6}]:5140:1:3`,
          ),
        ],
      },
    ],
  };
};

/** The same services with an IPv6 address beside the IPv4 one: `10.96.41.7` gets `fd00:96::a60:2907`. */
export const dualStack = (all: readonly ServicePlan[]): ServicePlan[] =>
  all.map(service => {
    const [a, b, c, d] = service.clusterIp.split('.').map(Number) as [number, number, number, number];
    const hex = (high: number, low: number) => (high * 256 + low).toString(16);
    return {...service, clusterIp6: `fd00:96::${hex(a, b)}:${hex(c, d)}`};
  });

export const services: readonly ServicePlan[] = [
  {
    namespace: 'kube-system',
    name: 'resolver',
    clusterIp: RESOLVER,
    app: 'resolver',
    ports: [{name: 'dns', protocol: 'udp', port: 53, targetPort: 53, nodePort: DNS_NODE_PORT}],
  },
  {
    namespace: 'shop',
    name: 'web',
    clusterIp: '10.96.41.7',
    app: 'web',
    ports: [{name: 'http', protocol: 'tcp', port: 80, targetPort: 8080, nodePort: WEB_NODE_PORT}],
  },
  {
    namespace: 'shop',
    name: 'cart',
    clusterIp: '10.96.114.20',
    app: 'cart',
    ports: [{name: 'api', protocol: 'tcp', port: 7070, targetPort: 7070, nodePort: CART_NODE_PORT}],
  },
  // No endpoints: kube-proxy rejects it.
  {
    namespace: 'shop',
    name: 'payments',
    clusterIp: '10.96.188.3',
    app: 'payments',
    ports: [{name: 'api', protocol: 'tcp', port: 8443, targetPort: 8443}],
  },
  {
    namespace: 'data',
    name: 'collector',
    clusterIp: '10.96.73.55',
    app: 'collector',
    ports: [
      {name: 'syslog', protocol: 'tcp', port: 5140, targetPort: 5140},
      {name: 'statsd', protocol: 'udp', port: 8125, targetPort: 8125},
    ],
  },
];
