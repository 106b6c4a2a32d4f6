/** How a topology joins its pods: what each node is given for it. */
import {bird, routed} from './datapaths/calico.ts';
import {hostGw, vxlan} from './datapaths/flannel.ts';
import {vpc} from './datapaths/vpc.ts';
import type {DatapathName, MachinePlan, Topology} from './topology.ts';
import type {Datapath, Wiring} from './wiring.ts';

const DATAPATHS: Readonly<Record<DatapathName, Datapath>> = {
  'flannel-vxlan': vxlan,
  'flannel-host-gw': hostGw,
  routed,
  bird,
  vpc,
};

export const wiringOf = (topology: Topology, machine: MachinePlan): Wiring => {
  const datapath = DATAPATHS[topology.datapath];
  const node = topology.nodes.find(each => each.name === machine.name);
  if (node) return datapath.node(topology, node);
  if (datapath.router) return datapath.router(topology, machine);
  throw new Error(`Topology ${topology.name} has a router ${machine.name}, but its datapath has none.`);
};
