import type {Span} from './evidence.ts';

/** One kernel setting, named as `sysctl(8)` names it: `net.ipv4.ip_forward`. */
export type Sysctl = Span & {readonly name: string; readonly value: string};
