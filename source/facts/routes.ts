import type {Span} from './evidence.ts';

export type NextHop = {
  readonly via?: string;
  readonly dev?: string;
  readonly weight?: number;
  readonly flags: readonly string[];
};

/** One route as `ip -j -d route show table all` shows it (`ip-route(8)`). */
export type Route = Span & {
  readonly family: 4 | 6;
  /** unicast, local, broadcast, multicast, anycast, blackhole, unreachable, prohibit, throw. */
  readonly type: string;
  /** Always with a prefix length: `0.0.0.0/0` and `::/0` for default, `/32` and `/128` for hosts. */
  readonly dst: string;
  readonly table: string;
  readonly protocol: string;
  readonly scope: string;
  readonly prefsrc?: string;
  readonly metric?: number;
  readonly mtu?: number;
  /** One for an ordinary route, more for multipath, none for blackhole and its like without a device. */
  readonly hops: readonly NextHop[];
};
