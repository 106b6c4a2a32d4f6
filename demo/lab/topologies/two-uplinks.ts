import type {NodePlan, Topology} from '../topology.ts';
import {outside, services, workloads} from '../workloads.ts';

/** Pods' addresses come from the same /27 of eth0's subnet 10.48.0.0/24 and of eth1's subnet 10.48.1.0/24. */
const node = (name: string, last: number, pods: number): NodePlan => ({
  name,
  address: `10.48.0.${last}`,
  podCidr: `10.48.0.${pods}/27`,
  nics: [{device: 'eth1', address: `10.48.1.${last}/24`, to: {bridge: 'fabric1'}}],
});

const nodes = [node('cp-1', 11, 64), node('worker-1', 12, 96), node('worker-2', 13, 128)] as const;

export const twoUplinks: Topology = {
  name: 'two-uplinks',
  about:
    "AWS VPC CNI's shape: two cards per node on two fabrics, pods on both, policy rules and a table per card",
  datapath: 'vpc',
  clusterCidr: '10.48.0.0/16',
  fabric: '10.48.0.1/24',
  bridges: [{name: 'fabric1', address: '10.48.1.1/24'}],
  outside: outside(nodes),
  nodes,
  pods: workloads(nodes),
  services,
};
