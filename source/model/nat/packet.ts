import type {Evidence} from '../../facts/evidence.ts';

/** What rules can ask of a packet. Addresses are canonical text. What is not known is left out, never guessed. */
export type Packet = {
  readonly family: 4 | 6;
  /** `tcp`, `udp`, `sctp`, `icmp`, `icmpv6`. */
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Device it came in by; absent for what a process in the namespace sends. */
  readonly in?: string;
  /** Device it leaves by: known after routing. */
  readonly out?: string;
  /** `skb->mark`; 0 at first. */
  readonly mark: number;
  /** Mark of its connection, in this namespace; 0 at first. */
  readonly connmark?: number;
  /** What conntrack says of it: states and statuses as `--ctstate` names them; `NEW` alone when absent. */
  readonly tracked?: readonly string[];
};

/** A rule that decides whether a packet may pass, of which it cannot be told whether it holds, or what it does. */
export type Unsure = {readonly text: string; readonly evidence: Evidence; readonly may: May};
/** What it may do to the packet if it holds; `both` also when it may change which rules are asked after it. */
export type May = 'drop' | 'accept' | 'both';

/** One rule that decided, and where it was read. */
export type Step = {
  readonly table: string;
  readonly chain: string;
  /** The rule as words, e.g. its comment, else its verdict. */
  readonly text: string;
  readonly evidence: Evidence;
};

/** What the rules of one hook may make of a packet. Several when a rule chooses at random. */
export type Branch = {
  /** 0 to 1; of all branches together 1. */
  readonly probability: number;
  /** `on`: it goes on as `packet` says, translated or not. `unknown`: a rule asks what is not understood, see `why`. */
  readonly fate: 'on' | 'dropped' | 'rejected' | 'unknown';
  /** The packet as it leaves the hook: destination (or source) translated, mark set. */
  readonly packet: Packet;
  /** Present when an address or port was rewritten at this hook. */
  readonly translated?: 'destination' | 'source';
  readonly steps: readonly Step[];
  /** What was taken not to hold though it cannot be told (a client that came back, for one), as sentences. */
  readonly doubts: readonly string[];
  /** Filter rules that may drop it, and were taken not to hold. */
  readonly unsure: readonly Unsure[];
  readonly why: string;
};

/**
 * What the namespace's rules do to the first packet of a connection at one hook (conntrack repeats it for the others
 * and undoes it in replies). `model/nat/evaluate.ts` holds it:
 *
 * - `hookBranches(namespace, 'PREROUTING' | 'OUTPUT', packet)`: destination translation, before routing;
 * - `hookBranches(namespace, 'POSTROUTING', packet)` with `out` set, and the mark of the branch before: masquerade.
 *   The new source is the address of `out`; the source port may be any and is left out.
 */
export type HookBranches<Namespace> = (
  namespace: Namespace,
  hook: 'PREROUTING' | 'OUTPUT' | 'FORWARD' | 'INPUT' | 'POSTROUTING',
  packet: Packet,
) => readonly Branch[];
