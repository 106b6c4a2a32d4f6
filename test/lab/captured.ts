/** Reads what tcpdump wrote: the packets of a capture on all links of a network namespace, down to the innermost one. */

/** One end of a packet, as its header has it: `10.244.1.5:7070`, `[fd00::5]:53`; no port in an ICMP message. */
export type Name = string;

/** A packet within a packet, or the whole of it. */
export type Layer = {
  readonly source: Name;
  readonly destination: Name;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'other';
};

export type Packet = {
  /** Nanoseconds since 1970, by the one clock of the machine. */
  readonly at: bigint;
  readonly ifindex: number;
  /**
   * What AF_PACKET says (packet(7)): `out` leaves through the link; `in` came for this namespace; `other` came for
   * another MAC address (on a bridge port that is the usual case); `all` came by broadcast or multicast.
   */
  readonly direction: 'in' | 'all' | 'other' | 'out';
  /** From the outermost in; two of them inside a tunnel. */
  readonly layers: readonly Layer[];
  /** Of the innermost layer, or of the packet that an ICMP error quotes. */
  readonly tcp?: {readonly flags: number; readonly seq: number; readonly ack: number};
  readonly payload?: string;
  /** Type and code when the innermost layer is an ICMP error; then `tcp` and `payload` are of what it quotes. */
  readonly error?: string;
};

const VXLAN_PORTS = new Set([8472, 4789]);
const DIRECTIONS = ['in', 'all', 'all', 'other', 'out'] as const;

const addressOf = (bytes: Buffer): string => {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({length: 8}, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':');
  return new URL(`http://[${groups}]`).hostname; // RFC 5952 with brackets
};

type Inner = Pick<Packet, 'layers' | 'tcp' | 'payload' | 'error'>;

const named = (address: string, port: number): Name => `${address}:${port}`;

/** An IPv4 or IPv6 packet; a quoted one may end anywhere behind its ports. */
const network = (bytes: Buffer): Inner => {
  const six = bytes[0]! >> 4 === 6;
  const head = six ? 40 : (bytes[0]! & 15) * 4;
  if (bytes.length < head + 8) return {layers: []};
  const source = addressOf(six ? bytes.subarray(8, 24) : bytes.subarray(12, 16));
  const destination = addressOf(six ? bytes.subarray(24, 40) : bytes.subarray(16, 20));
  const kind = six ? bytes[6] : bytes[9];
  const rest = bytes.subarray(head);
  if (kind === 1 || kind === 58) {
    const layer: Layer = {source, destination, protocol: 'icmp'};
    // Errors: destination unreachable, time exceeded, packet too big, parameter problem (RFC 792, RFC 4443).
    const isError = six ? rest[0]! < 128 : [3, 11, 12].includes(rest[0]!);
    if (!isError) return {layers: [layer]};
    const {layers: _, ...quoted} = network(rest.subarray(8));
    return {...quoted, layers: [layer], error: `${rest[0]}/${rest[1]} from ${source}`};
  }
  if (kind !== 6 && kind !== 17) return {layers: [{source, destination, protocol: 'other'}]};
  const port = rest.readUInt16BE(2);
  const layer: Layer = {
    source: named(source, rest.readUInt16BE(0)),
    destination: named(destination, port),
    protocol: kind === 6 ? 'tcp' : 'udp',
  };
  if (kind === 6) {
    const whole = rest.length >= 14;
    const tcp = {
      flags: whole ? rest[13]! : 0,
      seq: rest.readUInt32BE(4),
      ack: whole ? rest.readUInt32BE(8) : 0,
    };
    return {layers: [layer], tcp};
  }
  if (VXLAN_PORTS.has(port) && rest.length > 16) {
    const inner = ethernet(rest.subarray(16));
    return {...inner, layers: [layer, ...inner.layers]};
  }
  return {layers: [layer], payload: rest.toString('latin1', 8)};
};

const ethernet = (frame: Buffer): Inner =>
  frame.length > 14 && [0x0800, 0x86dd].includes(frame.readUInt16BE(12))
    ? network(frame.subarray(14))
    : {layers: []};

/**
 * The packets of a whole capture file with nanosecond stamps and link type LINUX_SLL2 (276), which `tcpdump -i any`
 * writes: https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html. An unfinished packet at the end is left out.
 * @throws when it is another kind of file
 */
export const packetsOf = (file: Buffer): Packet[] => {
  if (file.length < 24) return [];
  if (file.readUInt32LE(0) !== 0xa1b23c4d || file.readUInt32LE(20) !== 276)
    throw new Error('This is no little-endian capture with nanoseconds and the link type LINUX_SLL2.');
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + 16, at + 16 + length);
    if (frame.length < length) break;
    const stamp = BigInt(file.readUInt32LE(at)) * 1_000_000_000n + BigInt(file.readUInt32LE(at + 4));
    at += 16 + length;
    const direction = DIRECTIONS[frame[10]!];
    if (!direction || ![0x0800, 0x86dd].includes(frame.readUInt16BE(0))) continue;
    packets.push({at: stamp, ifindex: frame.readUInt32BE(4), direction, ...network(frame.subarray(20))});
  }
  return packets;
};
