import type {Address} from './addresses.ts';
import type {Skew} from './clock.ts';
import type {Cluster} from './cluster.ts';
import type {ConntrackTable} from './conntrack/table.ts';
import type {DevCounters} from './counters.ts';
import type {Gap} from './evidence.ts';
import type {ForwardingEntry} from './forwarding.ts';
import type {Identity} from './identity.ts';
import type {Link} from './links.ts';
import type {NamespaceMember} from './namespaces.ts';
import type {Neighbour} from './neighbours.ts';
import type {Netfilter} from './netfilter/ruleset.ts';
import type {Owners} from './owners.ts';
import type {Probe} from './probes.ts';
import type {Process} from './processes.ts';
import type {RouteGet} from './route-gets.ts';
import type {Route} from './routes.ts';
import type {Rule} from './rules.ts';
import type {PodLog} from './sandboxes/logs.ts';
import type {Membership, Sandbox} from './sandboxes.ts';
import type {SocketTable} from './sockets.ts';
import type {Sysctl} from './sysctls.ts';

/** A fact with the number of the sweep that read it: what changes seldom is carried over from an earlier sweep. */
export type Dated<T> = {
  readonly sweep: number;
  readonly at: string;
  readonly uptime: number;
  readonly value: T;
};

/** What was read inside one network namespace. An absent fact was not read: a gap says why. */
export type NetnsFacts = {
  readonly netns: string;
  readonly links?: Dated<readonly Link[]>;
  readonly addresses?: Dated<readonly Address[]>;
  readonly routes?: Dated<readonly Route[]>;
  /** IPv4's policy rules (fact `network`). */
  readonly rules?: Dated<readonly Rule[]>;
  /** IPv6's policy rules (fact `rules6`). */
  readonly rules6?: Dated<readonly Rule[]>;
  readonly neighbours?: Dated<readonly Neighbour[]>;
  readonly forwarding?: Dated<readonly ForwardingEntry[]>;
  /** `forwarding` has the entries of bridges only: the kernel's own files show none of a vxlan device. */
  readonly bridgesOnly?: boolean;
  readonly sysctls?: Dated<readonly Sysctl[]>;
  readonly counters?: Dated<DevCounters>;
  /** What the kernel answered when it was asked for routes (`path --verify`). */
  readonly routeGets?: Dated<readonly RouteGet[]>;
  /** What came of echo requests that the user asked for (`path --probe`). */
  readonly probes?: Dated<readonly Probe[]>;
  /** What translates there: packet filter rules and virtual servers (fact `netfilter`). */
  readonly netfilter?: Dated<Netfilter>;
  /** `nsid N` → inode of the namespace it means to this one, where `ip netns list-id` and names reveal it. */
  readonly nsids?: Dated<ReadonlyMap<number, string>>;
};

/** What one sweep cost (see `Swept`). */
export type Cost = {
  readonly cpu: number;
  readonly wall: number;
  readonly bytes: number;
  readonly trips: number;
};

/** One moment's facts of one node. Immutable; the next sweep makes the next one. */
export type Snapshot = {
  readonly node: string;
  readonly sweep: number;
  readonly at: string;
  /** Seconds the node had been up: the clock for rates. */
  readonly uptime: number;
  readonly identity?: Dated<Identity>;
  /** Namespace of the node itself (that of pid 1). */
  readonly hostNetns?: string;
  readonly members?: Dated<readonly NamespaceMember[]>;
  readonly netns: ReadonlyMap<string, NetnsFacts>;
  readonly sockets?: Dated<SocketTable>;
  readonly conntrack?: Dated<ConntrackTable>;
  readonly owners?: Dated<Owners>;
  readonly processes?: Dated<readonly Process[]>;
  readonly sandboxes?: Dated<readonly Sandbox[]>;
  /** Names of log files, which tell pods and containers where their runtime's state does not. */
  readonly podLogs?: Dated<readonly PodLog[]>;
  readonly memberships?: Dated<readonly Membership[]>;
  /** Seconds since 1970 by the node's own clock. */
  readonly clock?: Dated<number>;
  /** How far that is from this machine's. */
  readonly skew?: Skew;
  /** Of the cluster's own snapshot only: what its API says. */
  readonly cluster?: Cluster;
  /**
   * Short texts that change when what is read on change should be read again: by namespace inode for what is read in
   * a namespace, and under `node` for what is read once a node (sandboxes, nsids).
   */
  readonly fingerprints?: Dated<ReadonlyMap<string, string>>;
  readonly gaps: readonly Gap[];
  readonly cost?: Cost;
};
