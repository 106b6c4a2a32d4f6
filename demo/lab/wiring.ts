/** What a datapath asks of one node or router, as data; `node.ts` and `seed.ts` carry it out. */
import type {MachinePlan, NodePlan, Topology} from './topology.ts';

export type Wiring = {
  /** Files of the node, as paths below its root. */
  readonly files: readonly {readonly path: string; readonly text: string}[];
  /** CNI plugins of the lab's own, by the name of their script in this folder. */
  readonly plugins?: readonly {readonly script: string; readonly name: string}[];
  /** Settings below /proc/sys, as `net/ipv4/neigh/eth0/proxy_delay=0`, made when all of the node's cards are there. */
  readonly sysctls?: readonly string[];
  /** `ip -batch` lines for a node whose cards are up. */
  readonly links: readonly string[];
  /** `bridge -batch` lines, after those. */
  readonly forwarding?: readonly string[];
  /** What the plugin's agent writes, for `iptables-restore --noflush` and `ip6tables-restore --noflush`. */
  readonly rules?: {readonly ipv4: string; readonly ipv6?: string};
  /** Commands that become daemons of the node. */
  readonly daemons?: readonly (readonly string[])[];
  /** A command that succeeds once the routes between nodes are there, where a daemon makes them. */
  readonly settled?: readonly string[];
};

export type Datapath = {
  readonly node: (topology: Topology, node: NodePlan) => Wiring;
  /** Where a topology may have routers. */
  readonly router?: (topology: Topology, router: MachinePlan) => Wiring;
};

export const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** The address before the slash. */
export const withoutPrefix = (cidr: string) => cidr.split('/')[0]!;

/** The words of one line for iptables-restore. */
export const comment = (text: string) => `-m comment --comment "${text}"`;
