import type {Format} from '../fact.ts';
import {LINK_HEADING} from './links-text.ts';
import {ARP, FDB, NEIGHBOUR, ROUTE, ROUTE_N, RULE} from './tables-text.ts';

/** Does the command ask for IPv6 alone? Some tables look the same for both. */
export const asksSix = (command = '') => /\bip\b.*\s-6\b/.test(command);
const asksRules = (command = '') => /\bip\b.*\s(ru|rule)\b/.test(command);

/** What the first line of a text table tells; the routing table comes last, for it has the loosest form. */
export function tableAt(line: string): 'links' | 'neighbours' | 'rules' | 'routes' | undefined {
  // A MAC address reads like an IPv6 one.
  if (FDB.test(line)) return undefined;
  if (ROUTE_N.test(line)) return 'routes';
  if (ARP.test(line)) return 'neighbours';
  if (LINK_HEADING.test(line)) return 'links';
  if (RULE.test(line)) return 'rules';
  if (NEIGHBOUR.test(line)) return 'neighbours';
  if (ROUTE.test(line)) return 'routes';
  return undefined;
}

/** `ip` shows no keys. */
const redact = (out: Uint8Array): Uint8Array => out;

/** IPv6's policy rules, which look like IPv4's: only the command tells. */
export const RULES6_FORMATS: readonly Format[] = [
  {
    name: 'ip-rule6@1',
    label: 'ip -6 -j rule',
    looks: sample =>
      (sample.lines[0] ?? '').startsWith('[') && asksSix(sample.command) && asksRules(sample.command),
    redact,
  },
  {
    name: 'ip-rule6-text@1',
    label: 'ip -6 rule',
    looks: ({lines, command}) => asksSix(command) && tableAt(lines[0] ?? '') === 'rules',
    redact,
  },
];
