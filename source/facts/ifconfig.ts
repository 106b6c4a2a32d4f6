import type {Address} from './addresses.ts';
import {linesOf, quoted} from './lines.ts';
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
    const heading = /^(\S+): flags=\d+<([A-Z_,\d-]*)>\s+mtu (\d+)/.exec(text);
    if (heading) {
      drafts.push({
        from,
        to,
        name: heading[1]!,
        flags: heading[2]!.split(',').filter(flag => flag !== ''),
        mtu: Number(heading[3]),
        loopback: false,
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
      });
      continue;
    }
    const draft = drafts.at(-1);
    if (draft && /^\s/.test(text) && understands(draft, text.trim())) draft.to = to;
    else if (text.trim() !== '') problems.push(`a line that is not understood: ${quoted(text)}.`);
  }
  return {
    links: drafts.map(linkOf),
    addresses: drafts.flatMap(({from, to, addresses}) => addresses.map(address => ({from, to, ...address}))),
    problems,
  };
}

/** Takes one line into the draft; false when it says nothing known. */
function understands(draft: Draft, line: string): boolean {
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
