/** Every topology, the default one first. */
import {birdEcmp} from './topologies/bird-ecmp.ts';
import {dualStack} from './topologies/dual-stack.ts';
import {flannelVxlan} from './topologies/flannel-vxlan.ts';
import {hostGw} from './topologies/host-gw.ts';
import {routed} from './topologies/routed.ts';
import {twoUplinks} from './topologies/two-uplinks.ts';
import type {Topology} from './topology.ts';

export const topologies: readonly [Topology, ...Topology[]] = [
  flannelVxlan,
  routed,
  hostGw,
  dualStack,
  twoUplinks,
  birdEcmp,
];
