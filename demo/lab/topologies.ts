/** Every topology, the default one first. */
import {flannelVxlan} from './topologies/flannel-vxlan.ts';
import {routed} from './topologies/routed.ts';
import type {Topology} from './topology.ts';

export const topologies: readonly [Topology, ...Topology[]] = [flannelVxlan, routed];
