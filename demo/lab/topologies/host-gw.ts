import type {NodePlan, Topology} from '../topology.ts';
import {outside, services, workloads} from '../workloads.ts';

const nodes: readonly [NodePlan, NodePlan, NodePlan] = [
  {name: 'cp-1', address: '10.46.0.11', podCidr: '10.244.0.0/24'},
  {name: 'worker-1', address: '10.46.0.12', podCidr: '10.244.1.0/24'},
  {name: 'worker-2', address: '10.46.0.13', podCidr: '10.244.2.0/24'},
];

export const hostGw: Topology = {
  name: 'host-gw',
  about: 'pods on the bridge cni0 of each node, nodes joined by plain routes (flannel host-gw), MTU 1500',
  datapath: 'flannel-host-gw',
  clusterCidr: '10.244.0.0/16',
  fabric: '10.46.0.1/24',
  outside: outside(nodes),
  nodes,
  pods: workloads(nodes),
  services,
};
