import type {Counters} from './links.ts';

/** Interface counters of one namespace from `/proc/PID/net/dev`, by interface name; read on every sweep. */
export type DevCounters = ReadonlyMap<string, Counters>;
