import type {Span} from './evidence.ts';

/** One policy rule as `ip -j rule` shows it (`ip-rule(8)`). */
export type Rule = Span & {
  readonly family: 4 | 6;
  readonly priority: number;
  readonly not: boolean;
  /** CIDR or `all`. */
  readonly src: string;
  readonly dst: string;
  readonly iif?: string;
  readonly oif?: string;
  /** `0x4000/0x4000`. */
  readonly fwmark?: string;
  /** `lookup` with `table`, or blackhole, unreachable, prohibit, goto, nop. */
  readonly action: string;
  readonly table?: string;
};
