import type {Span} from './evidence.ts';

/** One address of an interface as `ip -j addr` shows it. */
export type Address = Span & {
  readonly ifindex: number;
  readonly dev: string;
  readonly family: 4 | 6;
  /** Canonical text, lower case, IPv6 compressed. */
  readonly address: string;
  readonly prefix: number;
  readonly scope: string;
  /** The other end of a point-to-point address. */
  readonly peer?: string;
  readonly broadcast?: string;
  readonly label?: string;
};
