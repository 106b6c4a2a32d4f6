/** Who a node says it is. */
export type Identity = {
  readonly hostname: string;
  /** /etc/machine-id. Two nodes with the same one are clones: said, never joined. */
  readonly machineId?: string;
  readonly kernel: string;
  /** PRETTY_NAME of /etc/os-release. */
  readonly os?: string;
  readonly arch?: string;
  readonly bootId?: string;
  /** Numeric user id that the reads ran as; 0 is root. */
  readonly uid: number;
  readonly cpus?: number;
  /** Seconds since 1970 by the node's own clock. */
  readonly clock?: number;
};
