import type {NodePlan, Topology} from '../topology.ts';
import {outside, services, workloads} from '../workloads.ts';

/** Blocks of 64 addresses, as Calico's IPAM hands them to nodes. */
const nodes: readonly [NodePlan, NodePlan, NodePlan] = [
  {name: 'cp-1', address: '10.45.0.11', podCidr: '10.244.31.0/26'},
  {name: 'worker-1', address: '10.45.0.12', podCidr: '10.244.31.64/26'},
  {name: 'worker-2', address: '10.45.0.13', podCidr: '10.244.31.128/26'},
];

export const routed: Topology = {
  name: 'routed',
  about:
    "Calico's shape: a /32 route per pod, proxy_arp for 169.254.1.1, no bridge, plain routes between nodes",
  datapath: 'routed',
  clusterCidr: '10.244.0.0/16',
  fabric: '10.45.0.1/24',
  outside: outside(nodes),
  nodes,
  pods: workloads(nodes),
  services,
};
