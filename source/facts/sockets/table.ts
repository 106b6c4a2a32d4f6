/**
 * Every TCP and UDP socket of a node as columns, never as objects: a node can have a million. Typed arrays are backed
 * by SharedArrayBuffer, so a table crosses to the drawing thread without a copy. Row `i` of every column is one socket.
 */
export type SocketTable = {
  readonly count: number;
  /** 0 tcp, 1 udp. IPv6 or not is told by the addresses (`family`). */
  readonly protocol: Uint8Array;
  /** 4 or 6: as the socket was made (a v4-mapped address is stored as IPv4 with family 6). */
  readonly family: Uint8Array;
  /** Index into `STATES`. */
  readonly state: Uint8Array;
  /**
   * Four 32-bit words a row, network order, most significant first (row i at 4i…4i+3). IPv4 is stored v4-mapped:
   * 0, 0, 0xffff, address. A wildcard is all zero (`*`, `0.0.0.0` and `[::]` alike; `family` tells them apart).
   */
  readonly local: Uint32Array;
  readonly remote: Uint32Array;
  /** 0 is the wildcard. */
  readonly localPort: Uint16Array;
  readonly remotePort: Uint16Array;
  readonly recvQ: Uint32Array;
  readonly sendQ: Uint32Array;
  /**
   * 0 for TIME-WAIT and other sockets without an inode. From `UNNUMBERED` on it is none: the socket was pasted from a
   * tool that tells the holder but no inode, and the number only joins it to `owners`.
   */
  readonly inode: Uint32Array;
  /** Numeric user id of who made the socket; `NO_UID` where nothing says so (no inode: TIME-WAIT and the like). */
  readonly uid: Uint32Array;
  /** Smoothed round-trip time in milliseconds; NaN when not shown. */
  readonly rtt: Float32Array;
  /** Retransmissions over the socket's life (`retrans:cur/total`: the total); `NO_RETRANS` where not shown. */
  readonly retrans: Uint32Array;
  /** 1 for an IPv6 socket that takes no IPv4 (`[::]:80` as ss prints it, in contrast to `*:80`). */
  readonly v6only: Uint8Array;
  /** Index into `netns`. The rows of one namespace follow each other. */
  readonly netnsIndex: Uint16Array;
  /** Index into `words` of the congestion control's name; 0 is none shown. */
  readonly congestion: Uint16Array;
  /** Index into `words` of the device a socket is bound to (`10.2.0.1%v1:5353`); 0 is none. */
  readonly device: Uint16Array;
  /** Byte range of the socket's lines in the reply of its namespace. */
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  /** Inodes of the namespaces, in the order of `netnsIndex`. */
  readonly netns: readonly string[];
  /** Interned strings; entry 0 is the empty string. */
  readonly words: readonly string[];
};

/** See `SocketTable.inode`. The kernel counts inodes up from 1, and would need years to get there. */
export const UNNUMBERED = 0xf000_0000;

/** In `SocketTable.retrans`: the tool that it was pasted from does not show them (netstat, `ss` without `-i`). */
export const NO_RETRANS = 0xffff_ffff;

/** Retransmissions of a row; undefined where not known. */
export function retransAt({retrans}: Pick<SocketTable, 'retrans'>, row: number): number | undefined {
  return retrans[row] === NO_RETRANS ? undefined : retrans[row];
}

/** In `SocketTable.uid`: not known. The kernel itself reserves this number for no user. */
export const NO_UID = 0xffff_ffff;

/** States as ss prints them, in the order of `SocketTable.state`. */
export const STATES = [
  'UNKNOWN',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'CLOSED',
] as const;
