import {UNKNOWN_KIND} from '../facts/links.ts';
import type {Grade, Interface} from '../model/graph.ts';
import {PORTS, type PortFact} from './ports.ts';

/** What is known of who listens on a port, and of who calls it. */
export type PortSeen = {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** Name of the process that listens; absent when it was not seen. */
  readonly program?: string | undefined;
  /** Nobody holds the socket, and who holds sockets was read: the kernel's own. */
  readonly kernel?: boolean;
  /** Interfaces of the namespace it listens in. */
  readonly interfaces?: readonly Interface[];
  /** Name of a process that calls it. */
  readonly caller?: string | undefined;
  /** What it listens at, as far as known. */
  readonly at?: 'node' | 'endpoint' | undefined;
};

export type Purpose = {readonly fact: PortFact; readonly grade: Grade; readonly why: string};

/** A process's name as the kernel keeps it (`proc(5)`, `comm`): other tools show more of it. */
const COMM = 15;

/**
 * What a port is for. A number alone proves nothing: a default counts only together with the program that listens (or,
 * where that was not seen, one that only ever calls this), or with the tunnel device it belongs to.
 */
export function purposeOf(seen: PortSeen): Purpose | undefined {
  const facts = PORTS.filter(({protocol, port}) => protocol === seen.protocol && port === seen.port);
  for (const fact of facts) {
    if (fact.at !== undefined && seen.at !== undefined && fact.at !== seen.at) continue;
    const why = fact.devices ? tunnelOf(fact, seen) : processOf(fact, seen);
    if (why) return {fact, grade: 'inferred', why};
  }
  return undefined;
}

/** Whether any fact is about this port: where none is, there is nothing to look up. */
export function isKnownPort(protocol: 'tcp' | 'udp', port: number): boolean {
  return PORTS.some(fact => fact.protocol === protocol && fact.port === port);
}

/** Whether a program is one that `PORTS` knows, so that even its ports without a purpose are told of. */
export function isAgent(program: string): boolean {
  return PORTS.some(({programs}) => programs.includes(program.slice(0, COMM)));
}

function processOf(fact: PortFact, {program, caller, kernel}: PortSeen): string | undefined {
  const {protocol, port} = fact;
  if (program !== undefined) {
    return fact.programs.includes(program.slice(0, COMM))
      ? `${program} listens, and ${protocol}/${port} is its default for this`
      : undefined;
  }
  if (kernel || caller === undefined || !fact.callers?.includes(caller.slice(0, COMM))) return undefined;
  return `who listens was not seen, but ${caller} calls it, and ${protocol}/${port} is the default for this`;
}

function tunnelOf({devices, port}: PortFact, {interfaces, program}: PortSeen): string | undefined {
  if (program !== undefined || !devices) return undefined;
  const device = interfaces?.find(
    ({link}) =>
      devices.names.test(link.name) &&
      (link.kind === undefined || link.kind === UNKNOWN_KIND || link.kind === devices.kind) &&
      (link.vxlan === undefined || link.vxlan.port === port),
  );
  if (!device) return undefined;
  const told = device.link.vxlan ? 'has that port' : 'is there, and that port is its default';
  return `the kernel listens: the device ${device.link.name} ${told}`;
}
