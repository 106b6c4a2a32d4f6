import {familyOf} from '../../facts/prefix.ts';

/**
 * A packet as far as the kernel's tables ask about it. Addresses are canonical text. What is not known is left out:
 * a rule that asks for it says so.
 */
export type Packet = {
  readonly family: 4 | 6;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`; of a tunnel `ipip`, `gre`, `esp`. */
  readonly protocol: string;
  /** Absent until the kernel has chosen one. */
  readonly source?: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** `skb->mark`. */
  readonly mark: number;
};

/** IANA's numbers of the protocols that a policy rule may ask for (`ipproto`). */
const NUMBERS: Readonly<Record<string, number>> = {
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  gre: 47,
  esp: 50,
  icmpv6: 58,
  sctp: 132,
};

export const PROTOCOLS = ['tcp', 'udp', 'icmp', 'sctp'] as const;

/** Has the packet the protocol that a rule prints: `tcp`, `ipv6-icmp`, or a number? */
export function isProtocol(packet: Packet, printed: string): boolean {
  const name = printed === 'ipv6-icmp' ? 'icmpv6' : printed === 'ipencap' ? 'ipip' : printed;
  return packet.protocol === name || String(NUMBERS[packet.protocol]) === printed;
}

/** What answers it: the ends swapped; undefined as long as the source is not known. */
export function answerTo(packet: Packet): Packet | undefined {
  const {source, destination, sourcePort, destinationPort, family, protocol} = packet;
  if (source === undefined) return undefined;
  return {
    family,
    protocol,
    source: destination,
    destination: source,
    ...(destinationPort === undefined ? {} : {sourcePort: destinationPort}),
    ...(sourcePort === undefined ? {} : {destinationPort: sourcePort}),
    mark: 0,
  };
}

export function packetTo(destination: string, protocol: string, port?: number): Packet {
  const family = familyOf(destination);
  return {
    family,
    protocol: protocol === 'icmp' && family === 6 ? 'icmpv6' : protocol,
    destination,
    ...(port === undefined ? {} : {destinationPort: port}),
    mark: 0,
  };
}

/** `tcp 10.244.1.3 → 10.244.2.5:80` */
export function packetText({protocol, source, destination, sourcePort, destinationPort}: Packet): string {
  const end = (address: string, port: number | undefined) =>
    port === undefined ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return `${protocol} ${end(source ?? '?', sourcePort)} → ${end(destination, destinationPort)}`;
}
