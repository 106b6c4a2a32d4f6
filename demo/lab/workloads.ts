/** The pods, services and traffic that both topologies run: a small shop, its data, and the cluster's own parts. */
import type {NodePlan, PodPlan, ServicePlan} from './topology.ts';

/** Port of meshd's health connections (the one Cilium's agents use for theirs). */
export const MESH_PORT = 4240;

const traffic = (name: string, ...roles: string[]) => ({name, run: {roles}});

/** The workloads of a three-node cluster: a control plane and two workers. */
export const workloads = (nodes: readonly [NodePlan, NodePlan, NodePlan]): PodPlan[] => {
  const [control, first, second] = nodes.map(node => node.name) as [string, string, string];
  const mesh = nodes.map(node => `call=tcp:${node.address}:${MESH_PORT}:1:3`);
  const meshd = (suffix: string, node: string): PodPlan => ({
    namespace: 'kube-system',
    name: `meshd-${suffix}`,
    app: 'meshd',
    node,
    hostNetwork: true,
    containers: [traffic('meshd', `serve=tcp:${MESH_PORT}`, ...mesh)],
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
              'call=udp:{svc:data/collector}:8125:1:1 call=udp:{svc:kube-system/resolver}:53:1:5',
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
    containers: [traffic('cart', 'serve=tcp:7070', 'call=tcp:{pod:shop/db-0}:5432:2:1')],
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
      containers: [traffic('resolver', 'serve=udp:53')],
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
      containers: [traffic('postgres', 'serve=tcp:5432')],
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
      containers: [traffic('collector', 'serve=tcp:5140', 'serve=udp:8125')],
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

export const services: readonly ServicePlan[] = [
  {
    namespace: 'kube-system',
    name: 'resolver',
    clusterIp: '10.96.0.10',
    app: 'resolver',
    ports: [{name: 'dns', protocol: 'udp', port: 53, targetPort: 53}],
  },
  {
    namespace: 'shop',
    name: 'web',
    clusterIp: '10.96.41.7',
    app: 'web',
    ports: [{name: 'http', protocol: 'tcp', port: 80, targetPort: 8080}],
  },
  {
    namespace: 'shop',
    name: 'cart',
    clusterIp: '10.96.114.20',
    app: 'cart',
    ports: [{name: 'api', protocol: 'tcp', port: 7070, targetPort: 7070}],
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
