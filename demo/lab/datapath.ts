/** How a topology joins its pods: what each node is given for it. */
import {bird, routed} from './datapaths/calico.ts';
import {hostGw, vxlan} from './datapaths/flannel.ts';
import {vpc} from './datapaths/vpc.ts';
import type {DatapathName, NodePlan, Topology} from './topology.ts';
import type {Datapath, Wiring} from './wiring.ts';

const DATAPATHS: Readonly<Record<DatapathName, Datapath>> = {
  'flannel-vxlan': vxlan,
  'flannel-host-gw': hostGw,
  routed,
  bird,
  vpc,
};

export const wiringOf = (topology: Topology, node: NodePlan): Wiring =>
  DATAPATHS[topology.datapath](topology, node);
