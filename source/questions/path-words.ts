import {PROTOCOLS} from '../model/path/packet.ts';

/** What the words after `path` ask for. */
export type PathWords = {
  readonly from: string;
  readonly to: string;
  readonly port?: number;
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly family?: 4 | 6;
  /** Ask each kernel about its decisions. */
  readonly verify?: true;
  /** Send a few echo requests and see which counters move. */
  readonly probe?: true;
};

export const PATH_USAGE =
  'path A B [--port P] [--proto tcp|udp|icmp|sctp] [--family 4|6] [--verify] [--probe]';

/** The words as a question, or a sentence about what is the matter with them. */
export function readPathWords(words: readonly string[]): PathWords | string {
  const ends: string[] = [];
  const options = new Map<string, string>();
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name, glued] = /^--([a-z]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined) ends.push(word);
    else if (SWITCHES.has(name) && glued === undefined) options.set(name, '');
    else if (!OPTIONS.has(name)) return `path has no option ${word}.`;
    else {
      const value = glued ?? rest.shift();
      if (value === undefined) return `--${name} needs a value.`;
      options.set(name, value);
    }
  }
  const [from, to, ...more] = ends;
  if (from === undefined || to === undefined) return 'path needs two ends: from where, and to where.';
  if (more.length > 0) return `path takes two ends; "${more.join(' ')}" is one too many.`;
  const port = options.get('port');
  const protocol = options.get('proto') ?? usual(port);
  if (!isProtocolName(protocol)) return `--proto is one of ${PROTOCOLS.join(', ')}; this is "${protocol}".`;
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    return `--port takes a number from 1 to 65535; this is "${port}".`;
  }
  const family = options.get('family');
  if (family !== undefined && family !== '4' && family !== '6')
    return `--family is 4 or 6; this is "${family}".`;
  return {
    from,
    to,
    protocol,
    ...(port === undefined ? {} : {port: Number(port)}),
    ...(family === undefined ? {} : {family: family === '4' ? 4 : 6}),
    ...(options.has('verify') ? {verify: true as const} : {}),
    ...(options.has('probe') ? {probe: true as const} : {}),
  };
}

/** Without a port what `ping` sends, with one what opens a connection. */
function usual(port: unknown): 'tcp' | 'icmp' {
  return port === undefined ? 'icmp' : 'tcp';
}

const SWITCHES = new Set(['verify', 'probe']);
const OPTIONS = new Set(['port', 'proto', 'family']);

export function isProtocolName(text: string): text is PathWords['protocol'] {
  return (PROTOCOLS as readonly string[]).includes(text);
}

/** The words that mean it again. */
export function pathWords({from, to, port, protocol, family, verify, probe}: PathWords): string[] {
  return [
    from,
    to,
    ...(port === undefined ? [] : ['--port', String(port)]),
    ...(protocol === usual(port) ? [] : ['--proto', protocol]),
    ...(family === undefined ? [] : ['--family', String(family)]),
    ...(verify ? ['--verify'] : []),
    ...(probe ? ['--probe'] : []),
  ];
}
