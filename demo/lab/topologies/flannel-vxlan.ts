import type {NodePlan, Topology} from '../topology.ts';
import {outside, services, workloads} from '../workloads.ts';

const nodes: readonly [NodePlan, NodePlan, NodePlan] = [
  {name: 'cp-1', address: '10.44.0.11', podCidr: '10.244.0.0/24'},
  {name: 'worker-1', address: '10.44.0.12', podCidr: '10.244.1.0/24'},
  {name: 'worker-2', address: '10.44.0.13', podCidr: '10.244.2.0/24'},
];

export const flannelVxlan: Topology = {
  name: 'flannel-vxlan',
  about: 'pods on the bridge cni0 of each node, nodes joined by flannel.1 (VXLAN id 1, UDP 8472), MTU 1450',
  datapath: 'flannel-vxlan',
  clusterCidr: '10.244.0.0/16',
  fabric: '10.44.0.1/24',
  outside: outside(nodes),
  nodes,
  pods: workloads(nodes),
  services,
};
