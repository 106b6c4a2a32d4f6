import type {Span} from '../evidence.ts';

/**
 * Packet filter rules in one shape, whoever wrote them: `iptables-save` (`iptables(8)`, `iptables-extensions(8)`) or
 * `nft -j` (`libnftables-json(5)`). What a rule asks that is not understood stays in it as an `other` match or verdict:
 * whoever evaluates it must say unknown there, never skip it.
 */
export type Ruleset = {
  readonly family: 4 | 6;
  /** Who keeps it: the kernel has all of them at once. */
  readonly backend: 'iptables-legacy' | 'iptables-nft' | 'nftables';
  readonly chains: readonly Chain[];
};

export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

export type Chain = {
  /** `raw`, `mangle`, `nat`, `filter`, `security`; of nftables the table's own name, e.g. `kube-proxy`. */
  readonly table: string;
  readonly name: string;
  /** Of a base chain: where packets enter it, what for, and in which order among those of the hook (lowest first). */
  readonly base?: {
    readonly hook: Hook;
    readonly type: 'raw' | 'mangle' | 'nat' | 'filter' | 'security';
    readonly priority: number;
    readonly policy: 'accept' | 'drop';
  };
  readonly rules: readonly FilterRule[];
};

/** One rule; the matches must all hold. An nftables verdict map is one rule for each of its elements. */
export type FilterRule = Span & {
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  readonly comment?: string;
};

/** `not` is the `!` before a match. */
export type Match = {readonly not?: true} & (
  | {readonly is: 'source' | 'destination'; readonly prefixes: readonly string[]}
  | {readonly is: 'protocol'; readonly protocols: readonly string[]}
  | {
      readonly is: 'source-port' | 'destination-port';
      readonly ranges: readonly (readonly [from: number, to: number])[];
    }
  /** A trailing `+` stands for any ending. */
  | {readonly is: 'in' | 'out'; readonly device: string}
  | {readonly is: 'mark'; readonly value: number; readonly mask: number}
  /** `LOCAL`, `UNICAST`, `BROADCAST`, … as the routing tables of the namespace have the address (`addrtype`, `fib`). */
  | {readonly is: 'address-type'; readonly of: 'source' | 'destination'; readonly type: string}
  /** The destination is an address of the device that it came in by, or leaves by (`addrtype --limit-iface-in`). */
  | {readonly is: 'own-address'; readonly of: 'in' | 'out'}
  | {readonly is: 'state'; readonly states: readonly string[]}
  /** Taken at random with this probability, 0 to 1. */
  | {readonly is: 'chance'; readonly probability: number}
  /** Membership of an ipset (or named set) whose elements were not read with it. */
  | {readonly is: 'set'; readonly name: string; readonly of: string}
  | {readonly is: 'other'; readonly text: string}
);

export type Verdict =
  | {readonly do: 'jump' | 'goto'; readonly chain: string}
  | {readonly do: 'accept' | 'drop' | 'return'}
  | {readonly do: 'reject'; readonly with?: string}
  /** `address` is absent where only the port changes; a range of several addresses is `other`. */
  | {readonly do: 'dnat' | 'snat'; readonly address?: string; readonly port?: number}
  | {readonly do: 'masquerade'}
  | {readonly do: 'redirect'; readonly port?: number}
  /** mark = (mark & ~mask) ^ value, as MARK --set-xmark does it. */
  | {readonly do: 'mark'; readonly value: number; readonly mask: number}
  /**
   * The mark of the connection, as CONNMARK sets it: `set` it to (mark & ~mask) ^ value, `save` the packet's in it, or
   * `restore` the packet's from it; of those, `mask` are the bits taken from the one, `clear` those replaced in the other.
   */
  | {
      readonly do: 'connmark';
      readonly op: 'set' | 'save' | 'restore';
      readonly value: number;
      readonly mask: number;
      readonly clear: number;
    }
  /** Counts, logs, or does nothing: evaluation goes on. */
  | {readonly do: 'nothing'}
  | {readonly do: 'other'; readonly text: string};

/** A virtual server of IPVS as `/proc/net/ip_vs` shows it; a firewall-mark service has neither address nor port. */
export type VirtualServer = Span & {
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'fwm';
  readonly address: string;
  readonly port: number;
  readonly scheduler: string;
  readonly persistent: boolean;
  readonly backends: readonly (Span & {
    readonly address: string;
    readonly port: number;
    /** Masq, Route, Tunnel, Local. */
    readonly forward: string;
    readonly weight: number;
    readonly active: number;
    readonly inactive: number;
  })[];
};

/** All that translates in one network namespace, as far as it was read. */
export type Netfilter = {
  readonly rulesets: readonly Ruleset[];
  readonly servers: readonly VirtualServer[];
  /** Names of pinned BPF maps that hold services: then rules and conntrack are not all there is. */
  readonly bpf: readonly string[];
};
