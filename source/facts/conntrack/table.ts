import {columnCutter} from '../columns.ts';
/**
 * The connections that a node's kernel tracks, as columns (see `SocketTable`): a busy node has hundreds of thousands.
 * `original` is the direction of the first packet, `reply` the one that answers are expected in: where the reply is
 * not the original turned round, the node translates.
 */
export type ConntrackTable = {
  readonly count: number;
  /** IP protocol number: 6 TCP, 17 UDP, 132 SCTP, 1 ICMP, 58 ICMPv6. */
  readonly protocol: Uint8Array;
  /** 4 or 6. */
  readonly family: Uint8Array;
  /** Index into `TRACKED_STATES`; 0 for protocols without states. */
  readonly state: Uint8Array;
  /** Bits of `FLAG`. */
  readonly flags: Uint8Array;
  /** Four words a row, as `SocketTable.local`. */
  readonly source: Uint32Array;
  readonly destination: Uint32Array;
  readonly replySource: Uint32Array;
  readonly replyDestination: Uint32Array;
  /** 0 where the protocol has no ports; of ICMP the id. */
  readonly sourcePort: Uint16Array;
  /** Of ICMP, type × 256 + code. */
  readonly destinationPort: Uint16Array;
  readonly replySourcePort: Uint16Array;
  readonly replyDestinationPort: Uint16Array;
  /** Seconds until it is forgotten; `NO_TIMEOUT` for an offloaded flow. */
  readonly timeout: Uint32Array;
  readonly mark: Uint32Array;
  /** That of the original direction; 0 is the usual one. */
  readonly zone: Uint16Array;
  /** Index into `netns`. */
  readonly netnsIndex: Uint16Array;
  /** Byte range of the line in the reply. */
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  /** Inodes of the namespaces that track connections. */
  readonly netns: readonly string[];
  /** By namespace: how many entries there are in all, where only the translated ones were read. */
  readonly total: readonly (number | undefined)[];
};

export const NO_TIMEOUT = 0xffff_ffff;

export const FLAG = {unreplied: 1, assured: 2, offload: 4, translated: 8} as const;

/** As the kernel names them (nf_conntrack_proto_tcp.c, nf_conntrack_proto_sctp.c); `NONE` where none is shown. */
export const TRACKED_STATES = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
  'CLOSED',
  'COOKIE_WAIT',
  'COOKIE_ECHOED',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
  'HEARTBEAT_SENT',
  'HEARTBEAT_ACKED',
  'OTHER',
] as const;

export const TCP = 6;
export const UDP = 17;
export const SCTP = 132;

const EACH = {
  source: 4,
  destination: 4,
  replySource: 4,
  replyDestination: 4,
  timeout: 1,
  mark: 1,
  from: 1,
  to: 1,
  sourcePort: 1,
  destinationPort: 1,
  replySourcePort: 1,
  replyDestinationPort: 1,
  zone: 1,
  netnsIndex: 1,
  protocol: 1,
  family: 1,
  state: 1,
  flags: 1,
} as const;
type ColumnName = keyof typeof EACH;
const NAMES = Object.keys(EACH) as ColumnName[];

export type ConntrackColumns = Pick<ConntrackTable, ColumnName> & {capacity: number; count: number};

export type ConntrackDraft = {
  columns: ConntrackColumns;
  readonly netns: string[];
  readonly total: (number | undefined)[];
};

const ROW_BYTES = 64 + 4 * 4 + 6 * 2 + 4;

export function createConntrackDraft(capacity: number): ConntrackDraft {
  return {columns: allocate(capacity), netns: [], total: []};
}

/** Makes room for at least one more row: take the columns from the draft anew. */
export function growConntrack(draft: ConntrackDraft): void {
  draft.columns = copy(draft.columns, Math.ceil(draft.columns.capacity * 1.5) + 64);
}

export function clearConntrackRow(columns: ConntrackColumns, i: number): void {
  for (const name of NAMES) columns[name].fill(0, i * EACH[name], (i + 1) * EACH[name]);
}

export function finishConntrack(draft: ConntrackDraft): ConntrackTable {
  const {count, capacity} = draft.columns;
  const columns = capacity > count * 1.05 + 64 ? copy(draft.columns, count) : draft.columns;
  const parts = Object.fromEntries(
    NAMES.map(name => [name, columns[name].subarray(0, count * EACH[name])]),
  ) as unknown as Pick<ConntrackTable, ColumnName>;
  return {...parts, count, netns: draft.netns, total: draft.total};
}

function allocate(capacity: number): ConntrackColumns {
  const take = columnCutter(capacity, ROW_BYTES);
  return {
    capacity,
    count: 0,
    source: take(Uint32Array, 4),
    destination: take(Uint32Array, 4),
    replySource: take(Uint32Array, 4),
    replyDestination: take(Uint32Array, 4),
    timeout: take(Uint32Array),
    mark: take(Uint32Array),
    from: take(Uint32Array),
    to: take(Uint32Array),
    sourcePort: take(Uint16Array),
    destinationPort: take(Uint16Array),
    replySourcePort: take(Uint16Array),
    replyDestinationPort: take(Uint16Array),
    zone: take(Uint16Array),
    netnsIndex: take(Uint16Array),
    protocol: take(Uint8Array),
    family: take(Uint8Array),
    state: take(Uint8Array),
    flags: take(Uint8Array),
  };
}

function copy(old: ConntrackColumns, capacity: number): ConntrackColumns {
  const columns = allocate(capacity);
  for (const name of NAMES) columns[name].set(old[name].subarray(0, old.count * EACH[name]));
  columns.count = old.count;
  return columns;
}
