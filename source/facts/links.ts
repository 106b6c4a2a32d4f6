import type {Span} from './evidence.ts';

export type Counters = {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
};

/** One interface as `ip -j -d -s addr` shows it (iproute2, `ip-link(8)`). */
export type Link = Span & {
  readonly ifindex: number;
  readonly name: string;
  /** `info_kind`: veth, bridge, vxlan, … ; `loopback` for lo; absent for a physical device. */
  readonly kind?: string;
  readonly mtu: number;
  /** RFC 2863 operational state in capitals: UP, DOWN, UNKNOWN, LOWERLAYERDOWN, … */
  readonly state: string;
  readonly flags: readonly string[];
  /** Hardware address; absent for devices without one. */
  readonly mac?: string;
  /** Name of the bridge, bond or VRF it is enslaved to, in the same namespace. */
  readonly master?: string;
  /** Name of the lower device in the same namespace (`v2@v1`), e.g. a vxlan's or vlan's carrier. */
  readonly lower?: string;
  /** ifindex of the peer or lower device when that is in another namespace (IFLA_LINK). */
  readonly peerIndex?: number;
  /** The observing namespace's own id (nsid) of the namespace that `peerIndex` is in; -1 when unknown to it. */
  readonly peerNsid?: number;
  readonly alias?: string;
  readonly qdisc?: string;
  readonly txqlen?: number;
  readonly counters?: Counters;
  readonly vxlan?: Vxlan;
};

/** `linkinfo.info_data` of a vxlan device. */
export type Vxlan = {
  readonly id: number;
  readonly local?: string;
  readonly group?: string;
  readonly remote?: string;
  readonly lower?: string;
  readonly port: number;
  readonly learning: boolean;
  /** True when forwarding is decided outside the kernel's FDB (collect_md), as eBPF and OVS agents do. */
  readonly external: boolean;
};
