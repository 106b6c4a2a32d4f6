import {dated, gapsOf} from './contribution.ts';
import {arraysOf, type Element, has, number, text, words} from './elements.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {FDB, fdbElements} from './ip/tables-text.ts';
import {note, quoted} from './lines.ts';
import {optional} from './links.ts';
import {parsePieces} from './pieces.ts';
import {canonical} from './prefix.ts';
import {parseSysForwarding, SYS_FDB} from './proc/forwarding.ts';

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

/**
 * Entries of a `bridge -j fdb show` array. Sample (iproute2 6.1.0):
 * `{"mac":"32:9d:6b:1e:47:65","ifname":"flannel.1","dst":"192.168.77.13","flags":["self"],"state":"permanent"}`
 */
export function parseForwarding(elements: readonly Element[]): Parsed<ForwardingEntry> {
  const rows: ForwardingEntry[] = [];
  const problems: string[] = [];
  for (const {from, to, fields} of elements) {
    const mac = text(fields, 'mac');
    const dev = text(fields, 'ifname');
    if (mac === undefined || dev === undefined) {
      note(problems, () => 'a forwarding entry without MAC address or interface.');
      continue;
    }
    const dst = text(fields, 'dst');
    rows.push({
      from,
      to,
      mac,
      dev,
      flags: words(fields, 'flags'),
      state: text(fields, 'state') ?? 'learned',
      ...optional('dst', dst && (canonical(dst) ?? dst)),
      ...optional('vlan', number(fields, 'vlan')),
      ...optional('vni', number(fields, 'vni')),
      ...optional('port', number(fields, 'port')),
      ...optional('via', text(fields, 'viaIf')),
      ...optional('master', text(fields, 'master')),
    });
  }
  return {rows, problems};
}

function fromJson(out: Uint8Array): Parsed<ForwardingEntry> {
  const {arrays, problems} = arraysOf(out);
  const parsed = parseForwarding(arrays.flatMap(array => array.elements));
  return {rows: parsed.rows, problems: [...problems, ...parsed.problems]};
}

function fromText(out: Uint8Array): Parsed<ForwardingEntry> {
  const {elements, strange} = fdbElements(out);
  const parsed = parseForwarding(elements);
  const unclear = strange.map(({text: line}) => `a line that is no forwarding entry: ${quoted(line)}.`);
  return {rows: parsed.rows, problems: [...parsed.problems, ...unclear]};
}

export const FORWARDING: Fact = {
  name: 'forwarding',
  reader: {
    name: 'bridge-fdb@1',
    fact: 'forwarding',
    scope: 'each-netns',
    command: 'bridge -j fdb show',
    why: 'Bridges and vxlan devices decide by MAC address which port or peer node a frame goes to.',
    limit: 16_000_000,
    timeout: 5,
    slight: true,
  },
  otherwise: [
    {
      reader: {
        name: 'bridge-fdb-text@1',
        fact: 'forwarding',
        scope: 'each-netns',
        command: 'bridge fdb show',
        why: 'Where `bridge` prints no JSON: the same entries as text.',
        limit: 16_000_000,
        timeout: 5,
        slight: true,
      },
    },
    {
      reader: SYS_FDB,
      loses:
        'the entries of vxlan devices (which node a MAC address is behind), VLAN ids, and which entries somebody set',
    },
  ],
  cadence: {when: 'change', backstop: 15},
  formats: [
    {
      name: 'bridge-fdb@1',
      label: 'bridge -j fdb show',
      looks: ({lines, out}) =>
        (lines[0] ?? '').startsWith('[') &&
        arraysOf(out).arrays.some(({elements}) => elements.some(({fields}) => has(fields, 'mac'))),
      redact: out => out,
    },
    {
      name: 'bridge-fdb-text@1',
      label: 'bridge fdb show',
      looks: ({lines}) => FDB.test(lines[0] ?? ''),
      redact: out => out,
    },
  ],
  contribute(reply) {
    const parsed = parsePieces(reply, fromJson, {
      'bridge-fdb-text@1': fromText,
      [SYS_FDB.name]: parseSysForwarding,
    });
    const tool =
      reply.reader === SYS_FDB.name
        ? {name: 'od', package: 'coreutils', fine: [1, 2]}
        : {name: 'bridge', package: 'iproute2'};
    const gaps = gapsOf(reply, tool, parsed.problems);
    if (reply.netns === undefined || (parsed.rows.length === 0 && gaps.length > 0)) return {gaps};
    return {
      netns: new Map([
        [reply.netns, {forwarding: dated(reply, parsed.rows), bridgesOnly: reply.reader === SYS_FDB.name}],
      ]),
      gaps,
    };
  },
  /** Nothing secret: MAC addresses, interfaces, tunnel endpoints. */
  redact: out => out,
};
