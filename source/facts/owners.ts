/**
 * Which process holds which socket: one scan of `/proc/PID/fd` links for the node. Parallel columns, one entry for
 * each (pid, fd, inode); sorted by inode so that a socket's owners are found by binary search.
 */
export type Owners = {
  readonly count: number;
  readonly inode: Uint32Array;
  readonly pid: Uint32Array;
  readonly fd: Uint32Array;
};
