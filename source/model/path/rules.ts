import type {Rule} from '../../facts/rules.ts';
import type {Namespace} from '../graph.ts';
import {wordsOf} from '../words.ts';
import {isProtocol, type Packet} from './packet.ts';
import {within} from './tables.ts';

/** The way a packet comes to be routed: `iif` is `lo` for what the namespace itself sends (`ip-rule(8)`). */
export type Course = {readonly iif: string; readonly oif?: string | undefined};

/** `unsure`: the rule asks for what is not known of the packet. */
export type Match = 'yes' | 'no' | 'unsure';

/** Does a rule hold for a packet? As `fib_rule_match` in the kernel: every selector, then `not`. */
export function matches(rule: Rule, packet: Packet, course: Course, namespace: Namespace): Match {
  const asked: Match[] = [
    prefix(rule.src, packet.source),
    prefix(rule.dst, packet.destination),
    said(rule.iif === undefined || onInterface(rule.iif, course.iif, namespace)),
    said(
      rule.oif === undefined || (course.oif !== undefined && onInterface(rule.oif, course.oif, namespace)),
    ),
    said(rule.fwmark === undefined || marked(rule.fwmark, packet.mark)),
    said(rule.ipproto === undefined || isProtocol(packet, rule.ipproto)),
    port(rule.sport, packet.sourcePort, packet.protocol),
    port(rule.dport, packet.destinationPort, packet.protocol),
    rule.others === undefined ? 'yes' : 'unsure',
  ];
  const all = asked.includes('no') ? 'no' : asked.includes('unsure') ? 'unsure' : 'yes';
  if (all === 'unsure' || !rule.not) return all;
  return all === 'yes' ? 'no' : 'yes';
}

function said(holds: boolean): Match {
  return holds ? 'yes' : 'no';
}

/** Before a source is chosen it is the unspecified address, which no prefix but /0 holds. */
function prefix(selector: string, address: string | undefined): Match {
  if (selector === 'all' || selector.endsWith('/0')) return 'yes';
  const words = address === undefined ? undefined : wordsOf(address);
  return said(words !== undefined && within(words, selector));
}

/** A rule by a VRF's name holds for the interfaces enslaved to it. */
function onInterface(name: string, interfaceName: string, namespace: Namespace): boolean {
  return name === interfaceName || namespace.byName.get(interfaceName)?.link.master === name;
}

function marked(selector: string, mark: number): boolean {
  const [value = 0, mask = 0xffffffff] = selector.split('/').map(Number);
  return (mark & mask) >>> 0 === (value & mask) >>> 0;
}

/** An echo request has no ports: a rule that asks for one does not hold. */
function port(
  range: readonly [number, number] | undefined,
  port: number | undefined,
  protocol: string,
): Match {
  if (range === undefined) return 'yes';
  if (port === undefined) return protocol.startsWith('icmp') ? 'no' : 'unsure';
  return said(port >= range[0] && port <= range[1]);
}

/** As `ip rule` prints it. */
export function ruleText(rule: Rule): string {
  const parts = [`${rule.priority}:`];
  if (rule.not) parts.push('not');
  parts.push('from', rule.src);
  if (rule.dst !== 'all') parts.push('to', rule.dst);
  if (rule.fwmark !== undefined) parts.push('fwmark', rule.fwmark.replace('/0xffffffff', ''));
  if (rule.iif !== undefined) parts.push('iif', rule.iif);
  if (rule.oif !== undefined) parts.push('oif', rule.oif);
  if (rule.ipproto !== undefined) parts.push('ipproto', rule.ipproto);
  if (rule.sport !== undefined) parts.push('sport', [...new Set(rule.sport)].join('-'));
  if (rule.dport !== undefined) parts.push('dport', [...new Set(rule.dport)].join('-'));
  parts.push(...(rule.others ?? []).map(other => `${other} …`));
  if (rule.l3mdev) parts.push('lookup [l3mdev-table]');
  else if (rule.table !== undefined) parts.push('lookup', rule.table);
  else parts.push(rule.action, ...(rule.target === undefined ? [] : [String(rule.target)]));
  if (rule.suppressPrefix !== undefined) parts.push('suppress_prefixlength', String(rule.suppressPrefix));
  return parts.join(' ');
}
