import type {Span} from './evidence.ts';

/** One entry of a bridge's or vxlan's forwarding database (FDB) as `bridge -j fdb` shows it (`bridge(8)`). */
export type ForwardingEntry = Span & {
  readonly mac: string;
  readonly dev: string;
  /** VXLAN tunnel endpoint (VTEP) that this MAC is behind. */
  readonly dst?: string;
  readonly vlan?: number;
  readonly vni?: number;
  readonly port?: number;
  readonly via?: string;
  readonly master?: string;
  readonly flags: readonly string[];
  /** permanent, static, stale, or `learned` (printed empty by the tool). */
  readonly state: string;
};
