import type {NodePlan, Topology} from '../topology.ts';
import {outside, services, workloads} from '../workloads.ts';

const ROUTERS = ['router-1', 'router-2'];

/** Blocks of 64 addresses; to each router a wire of its own, a /31 of which the router has the even end. */
const node = (name: string, index: number): NodePlan => ({
  name,
  address: `10.49.0.${11 + index}`,
  podCidr: `10.244.31.${64 * index}/26`,
  nics: ROUTERS.map((router, at) => ({
    device: `eth${at + 1}`,
    address: `10.49.${at + 1}.${2 * index + 1}/31`,
    to: {router, address: `10.49.${at + 1}.${2 * index}/31`},
  })),
});

const nodes = [node('cp-1', 0), node('worker-1', 1), node('worker-2', 2)] as const;

export const birdEcmp: Topology = {
  name: 'bird-ecmp',
  about:
    "Calico's shape with real BIRD daemons: two routers between the nodes, both of them next hops of each route",
  datapath: 'bird',
  clusterCidr: '10.244.0.0/16',
  fabric: '10.49.0.1/24',
  routers: ROUTERS.map((name, index) => ({name, address: `10.49.0.${2 + index}`})),
  outside: outside(nodes),
  nodes,
  pods: workloads(nodes),
  services,
};
