import type {Gap} from '../facts/evidence.ts';
import {count} from './units.ts';

/** Gaps as sentences. What is the same in many namespaces of a node is said once, with how many they are. */
export function gapSentences(gaps: readonly Gap[]): string[] {
  const alike = new Map<string, Gap[]>();
  for (const gap of gaps) {
    const reason = gap.netns === undefined ? gap.reason : gap.reason.replaceAll(gap.netns, '');
    const key = JSON.stringify([gap.node, gap.fact, gap.netns === undefined, reason, gap.reveal]);
    const same = alike.get(key);
    if (same) same.push(gap);
    else alike.set(key, [gap]);
  }
  return [...alike.values()].map(([first, ...more]) => sentence(first!, more.length));
}

/** Facts whose own name says little to who reads it. */
const PLAIN: Readonly<Record<string, string>> = {
  forwarding: 'forwarding database',
  identity: 'who the node is',
  memberships: 'control groups',
  network: 'interfaces and routes',
  nsids: 'namespace ids',
  'netns-sysctls': 'kernel settings',
  owners: 'holders of sockets',
  rules6: 'IPv6 policy rules',
  sandboxes: 'pods',
  sysctls: 'kernel settings',
};

/** One sentence or two; a reason that names its node already is not told it again. */
function sentence({node, fact, netns, reason, reveal}: Gap, more: number): string {
  const others = more > 0 ? ` and ${count(more, 'more namespace')}` : '';
  const where = netns === undefined ? node : `${node}, namespace ${netns}${others}`;
  const api = fact.startsWith('kube-');
  const what =
    fact === 'node' || fact === 'clock' || fact === 'rights' || api ? '' : `${PLAIN[fact] ?? fact}: `;
  // What the Kubernetes API did not tell says so itself.
  const whole = api || (names(reason).includes(node) && more === 0);
  const said = whole ? `${what}${reason}` : `${where}: ${what}${reason}`;
  // Its reveal is a sentence about reading as root, whole without what it shows.
  if (fact === 'rights' && reveal !== undefined) return `${said} ${reveal}`;
  return reveal === undefined ? said : `${said.replace(/\.?$/, '.')} To see it: ${reveal}`;
}

function names(text: string): string[] {
  return text.split(/[\s,;()“”"'`]+/).map(word => word.replace(/[.:]+(\d+)?$/, ''));
}
