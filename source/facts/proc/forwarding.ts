import type {Reader} from '../../wire/source.ts';
import type {Parsed} from '../evidence.ts';
import type {ForwardingEntry} from '../forwarding.ts';
import {linesOf, quoted} from '../lines.ts';

/** A bridge's own file; a vxlan device has none. */
export const SYS_FDB: Reader = {
  name: 'sys-brforward@1',
  fact: 'forwarding',
  scope: 'each-netns',
  command: [
    "grep -sH '' $hop_sys/*/brif/*/port_no",
    'for hop_d in $hop_sys/*/brforward; do if [ -e "$hop_d" ]; then echo "# $hop_d"; od -An -v -tx1 "$hop_d"; fi; done',
  ].join('; '),
  tool: 'od',
  proc: true,
  why: "Where `bridge` is missing: which MAC addresses a bridge has learned, and at which port, from the kernel's own file.",
  limit: 16_000_000,
  timeout: 5,
  slight: true,
};

const PORT = /\/sys\/class\/net\/([^/]+)\/brif\/([^/]+)\/port_no:0x([0-9a-f]+)$/;
const BRIDGE = /^# \S*\/sys\/class\/net\/([^/]+)\/brforward$/;

/**
 * Entries of 16 bytes, one a line (`struct __fdb_entry`, linux/if_bridge.h): MAC address, number of the port, whether it
 * is the port's own, age in hundredths of a second (4 bytes), the port's high byte. Samples (Linux 6.18):
 * ```
 * /sys/class/net/cni0/brif/veth397f83f8/port_no:0x4
 * # /sys/class/net/cni0/brforward
 *  b2 d6 dd 87 2c 78 04 00 08 00 00 00 00 00 00 00
 *  36 30 27 09 0a a7 04 01 00 00 00 00 00 00 00 00
 * ```
 * An entry without age may have been learned just now, or set by somebody.
 */
export function parseSysForwarding(out: Uint8Array): Parsed<ForwardingEntry> {
  const ports = new Map<string, string>();
  const rows: ForwardingEntry[] = [];
  const problems: string[] = [];
  let bridge: string | undefined;
  for (const {from, to, text} of linesOf(out)) {
    const port = PORT.exec(text);
    const heading = BRIDGE.exec(text);
    if (port) ports.set(`${port[1]} ${Number.parseInt(port[3]!, 16)}`, port[2]!);
    if (heading) bridge = heading[1];
    if (port || heading) continue;
    const bytes = text.trim().split(' ');
    if (bridge === undefined || bytes.length !== 16 || !bytes.every(byte => /^[0-9a-f]{2}$/.test(byte))) {
      problems.push(`a line that is no forwarding entry: ${quoted(text)}.`);
      continue;
    }
    const number = Number.parseInt(bytes[6]!, 16) + Number.parseInt(bytes[12]!, 16) * 256;
    const dev = number === 0 ? bridge : ports.get(`${bridge} ${number}`);
    if (dev === undefined) {
      problems.push(`port ${number} of bridge ${bridge} has no name.`);
      continue;
    }
    const own = bytes[7] !== '00';
    const aged = bytes.slice(8, 12).some(byte => byte !== '00');
    rows.push({
      from,
      to,
      mac: bytes.slice(0, 6).join(':'),
      dev,
      ...(dev !== bridge && {master: bridge}),
      flags: [],
      state: own ? 'permanent' : aged ? 'learned' : 'learned or static',
    });
  }
  return {rows, problems};
}
