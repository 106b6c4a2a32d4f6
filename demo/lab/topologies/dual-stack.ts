import type {NodePlan, Topology} from '../topology.ts';
import {dualStack as bothFamilies, outside, services, workloads} from '../workloads.ts';

const node = (name: string, index: number, last: number): NodePlan => ({
  name,
  address: `10.47.0.${last}`,
  podCidr: `10.244.${index}.0/24`,
  address6: `fd47::${last}`,
  podCidr6: `fd00:10:244:${index}::/64`,
});

const nodes = [node('cp-1', 0, 11), node('worker-1', 1, 12), node('worker-2', 2, 13)] as const;

export const dualStack: Topology = {
  name: 'dual-stack',
  about:
    'flannel-vxlan with IPv6 beside IPv4: flannel-v6.1 over the IPv6 fabric, services of both families, MTU 1430',
  datapath: 'flannel-vxlan',
  clusterCidr: '10.244.0.0/16',
  clusterCidr6: 'fd00:10:244::/56',
  fabric: '10.47.0.1/24',
  fabric6: 'fd47::1/64',
  outside: outside(nodes),
  nodes,
  pods: workloads(nodes),
  services: bothFamilies(services),
};
