import type {Address} from './addresses.ts';
import {linesOf, note, quoted} from './lines.ts';
import {type Counters, type Link, optional, UNKNOWN_KIND} from './links.ts';
import {canonical} from './prefix.ts';

export type Ifconfig = {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly problems: readonly string[];
};

type Draft = {
  from: number;
  to: number;
  name: string;
  flags: string[];
  mtu: number;
  mac?: string;
  txqlen?: number;
  loopback: boolean;
  counters: {-readonly [K in keyof Counters]: number};
  counted: boolean;
  addresses: Omit<Address, 'from' | 'to'>[];
};

/**
 * Interfaces of a pasted `ifconfig -a`. Sample (net-tools 2.10):
 * ```
 * cilium_host: flags=4291<UP,BROADCAST,RUNNING,NOARP,MULTICAST>  mtu 9001
 *         inet 10.0.1.76  netmask 255.255.255.255  broadcast 0.0.0.0
 *         inet6 fe80::5cd2:caff:fe0a:b710  prefixlen 64  scopeid 0x20<link>
 *         ether 5e:d2:ca:0a:b7:10  txqueuelen 1000  (Ethernet)
 *         RX packets 163610  bytes 12654723 (12.6 MB)
 *         RX errors 0  dropped 0  overruns 0  frame 0
 * ```
 * ifconfig shows no index, kind, master or peer: `ifindex` is 0. `state` is what the flags tell.
 */
export function parseIfconfig(out: Uint8Array): Ifconfig {
  const drafts: Draft[] = [];
  const problems: string[] = [];
  for (const {from, to, text} of linesOf(out)) {
    const heading = headingOf(text);
    if (heading) {
      drafts.push({from, to, ...heading});
      continue;
    }
    const draft = drafts.at(-1);
    if (draft && /^\s/.test(text) && understands(draft, text.trim())) draft.to = to;
    else if (text.trim() !== '') note(problems, () => `a line that is not understood: ${quoted(text)}.`);
  }
  return {
    links: drafts.map(linkOf),
    addresses: drafts.flatMap(({from, to, addresses}) => addresses.map(address => ({from, to, ...address}))),
    problems,
  };
}

/**
 * `eth0: flags=4163<UP,BROADCAST>  mtu 1500` of net-tools 2; before that, and of busybox,
 * `eth0      Link encap:Ethernet  HWaddr 02:FC:00:00:00:01`, with flags and MTU in a later line.
 */
function headingOf(text: string): Omit<Draft, 'from' | 'to'> | undefined {
  const now = /^(\S+): flags=\d+<([A-Z_,\d-]*)>\s+mtu (\d+)/.exec(text);
  const old = /^(\S+)\s+Link encap:(.*)$/.exec(text);
  const name = now?.[1] ?? old?.[1];
  if (name === undefined) return undefined;
  const mac = /HWaddr ([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})\s*$/.exec(old?.[2] ?? '')?.[1];
  return {
    name,
    flags: (now?.[2] ?? '').split(',').filter(flag => flag !== ''),
    mtu: Number(now?.[3] ?? 0),
    loopback: /^Local Loopback/.test(old?.[2] ?? ''),
    counters: {
      rxBytes: 0,
      rxPackets: 0,
      rxErrors: 0,
      rxDropped: 0,
      txBytes: 0,
      txPackets: 0,
      txErrors: 0,
      txDropped: 0,
    },
    counted: false,
    addresses: [],
    ...optional('mac', mac?.toLowerCase()),
  };
}

/** Takes one line into the draft; false when it says nothing known. */
function understands(draft: Draft, line: string): boolean {
  if (understandsOld(draft, line)) return true;
  const inet = /^(inet6?) (\S+)(.*)$/.exec(line);
  if (inet) return takesAddress(draft, inet[1] === 'inet' ? 4 : 6, inet[2]!, inet[3]!);
  const rate = /^([RT]X) packets (\d+)\s+bytes (\d+)/.exec(line);
  if (rate) {
    const side = rate[1] === 'RX' ? 'rx' : 'tx';
    draft.counters[`${side}Packets`] = Number(rate[2]);
    draft.counters[`${side}Bytes`] = Number(rate[3]);
    draft.counted = true;
    return true;
  }
  const errors = /^([RT]X) errors (\d+)\s+dropped (\d+)/.exec(line);
  if (errors) {
    const side = errors[1] === 'RX' ? 'rx' : 'tx';
    draft.counters[`${side}Errors`] = Number(errors[2]);
    draft.counters[`${side}Dropped`] = Number(errors[3]);
    return true;
  }
  const kind = /^(ether|loop|unspec|tunnel)\b\s*([0-9a-f]{2}(?::[0-9a-f]{2}){5})?/.exec(line);
  if (!kind) return /^(device )?(interrupt|memory|base)\b/.test(line);
  if (kind[2] !== undefined) draft.mac = kind[2];
  draft.loopback ||= kind[1] === 'loop';
  const queue = /txqueuelen (\d+)/.exec(line)?.[1];
  if (queue !== undefined) draft.txqlen = Number(queue);
  return true;
}

/** The lines of net-tools 1 and busybox, whose values stand behind a colon. */
function understandsOld(draft: Draft, line: string): boolean {
  const inet = /^inet6? addr: ?(\S+)(.*)$/.exec(line);
  if (inet) {
    const [, printed, rest] = inet as unknown as [string, string, string];
    const [address, length] = printed.split('/');
    const word = (key: string) => new RegExp(`${key}:(\\S+)`).exec(rest)?.[1];
    const [mask, broadcast, peer, scope] = ['Mask', 'Bcast', 'P-t-P', 'Scope'].map(word);
    const said = [
      length === undefined ? `netmask ${mask ?? '255.255.255.255'}` : `prefixlen ${length}`,
      broadcast && `broadcast ${broadcast}`,
      peer && `destination ${peer}`,
      scope && `scopeid 0x0<${scope.toLowerCase()}>`,
    ];
    return takesAddress(draft, printed.includes(':') ? 6 : 4, address!, said.filter(Boolean).join(' '));
  }
  const flags = /^([A-Z_ ]+?)\s+MTU:(\d+)/.exec(line);
  if (flags) {
    draft.flags = flags[1]!.split(' ');
    draft.mtu = Number(flags[2]);
    return true;
  }
  const packets = /^([RT]X) packets:(\d+) errors:(\d+) dropped:(\d+)/.exec(line);
  if (packets) {
    const side = packets[1] === 'RX' ? 'rx' : 'tx';
    draft.counters[`${side}Packets`] = Number(packets[2]);
    draft.counters[`${side}Errors`] = Number(packets[3]);
    draft.counters[`${side}Dropped`] = Number(packets[4]);
    draft.counted = true;
    return true;
  }
  const bytes = /^RX bytes:(\d+).*TX bytes:(\d+)/.exec(line);
  if (bytes) {
    draft.counters.rxBytes = Number(bytes[1]);
    draft.counters.txBytes = Number(bytes[2]);
    return true;
  }
  const queue = /^collisions:\d+ txqueuelen:(\d+)/.exec(line)?.[1];
  if (queue !== undefined) draft.txqlen = Number(queue);
  return queue !== undefined || /^(collisions|Interrupt|Base address|Memory):/.test(line);
}

function takesAddress(draft: Draft, family: 4 | 6, printed: string, rest: string): boolean {
  const address = canonical(printed);
  const prefix =
    family === 6
      ? Number(/prefixlen (\d+)/.exec(rest)?.[1] ?? 128)
      : lengthOf(/netmask (\S+)/.exec(rest)?.[1]);
  if (address === undefined || prefix === undefined) return false;
  const peer = /destination (\S+)/.exec(rest)?.[1];
  const broadcast = /broadcast (\S+)/.exec(rest)?.[1];
  const scope = /scopeid \S+<(\w+)>/.exec(rest)?.[1];
  draft.addresses.push({
    ifindex: 0,
    dev: draft.name,
    family,
    address,
    prefix,
    scope: scope ?? (address.startsWith('127.') ? 'host' : 'global'),
    ...optional('peer', peer && canonical(peer)),
    ...optional('broadcast', broadcast === '0.0.0.0' ? undefined : broadcast),
  });
  return true;
}

/** Length of a netmask; undefined when its ones are not all in front. */
function lengthOf(mask: string | undefined): number | undefined {
  const bytes = mask?.split('.').map(Number) ?? [];
  if (bytes.length !== 4 || !bytes.every(byte => Number.isInteger(byte) && byte >= 0 && byte < 256))
    return undefined;
  const bits = bytes.map(byte => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.replaceAll('0', '').length : undefined;
}

function linkOf(draft: Draft): Link {
  const {from, to, name, flags, mtu, loopback} = draft;
  return {
    from,
    to,
    ifindex: 0,
    name,
    mtu,
    flags,
    state: flags.includes('UP') && flags.includes('RUNNING') ? 'UP' : 'DOWN',
    kind: loopback ? 'loopback' : UNKNOWN_KIND,
    ...optional('mac', draft.mac),
    ...optional('txqlen', draft.txqlen),
    ...optional('counters', draft.counted ? draft.counters : undefined),
  };
}
