import {CLUSTER_FACTS} from './cluster.ts';
import {CONNTRACK} from './conntrack.ts';
import {COUNTERS} from './counters.ts';
import type {Fact} from './fact.ts';
import {FINGERPRINTS} from './fingerprints.ts';
import {FORWARDING} from './forwarding.ts';
import {IDENTITY} from './identity.ts';
import {MEMBERSHIPS} from './memberships.ts';
import {NAMESPACES} from './namespaces.ts';
import {NETFILTER} from './netfilter.ts';
import {NETWORK} from './network.ts';
import {NSIDS} from './nsids.ts';
import {OWNERS} from './owners.ts';
import {PASTED, redactPieces} from './pieces.ts';
import {PROBES} from './probes.ts';
import {PROCESSES} from './processes.ts';
import {ROUTE_GETS} from './route-gets.ts';
import {RULES6} from './rules.ts';
import {SANDBOXES} from './sandboxes.ts';
import {maskSentence} from './secrets.ts';
import {sockets} from './sockets.ts';
import {NETNS_SYSCTLS, SYSCTLS} from './sysctls.ts';

/**
 * Every kind of fact, in the order in which they are read and contributed: a later one may look at what an earlier
 * one of the same sweep found (which process stands for which namespace, when the node booted, which pods have names).
 */
export const FACTS: readonly Fact[] = [
  IDENTITY,
  NAMESPACES,
  COUNTERS,
  FINGERPRINTS,
  PROCESSES,
  OWNERS,
  SANDBOXES,
  MEMBERSHIPS,
  NSIDS,
  SYSCTLS,
  NETWORK,
  sockets,
  CONNTRACK,
  NETFILTER,
  RULES6,
  FORWARDING,
  NETNS_SYSCTLS,
  ROUTE_GETS,
  PROBES,
];

const byName = new Map([...FACTS, ...CLUSTER_FACTS].map(fact => [fact.name, fact]));

/** The fact of that name; undefined for a name that this version does not know (an old or newer recording). */
export function factOf(name: string): Fact | undefined {
  return byName.get(name);
}

/**
 * Takes the secrets of `fact` out of a reply's bytes, which are as `reader` prints them. Throws for a fact or a pasted
 * format that it does not know: what nobody can redact must not be written.
 */
export function redact(fact: string, out: Uint8Array, reader?: string): Uint8Array {
  const known = byName.get(fact);
  if (!known) throw new Error(`No redactor for the fact “${fact}”: its bytes must not be written.`);
  if (reader === PASTED) return redactPieces(out, (format, piece) => redactorOf(known, format)(piece));
  return (known.formats?.find(({name}) => name === reader)?.redact ?? known.redact)(out);
}

function redactorOf(fact: Fact, format: string): Fact['redact'] {
  const other = fact.formats?.find(({name}) => name === format);
  if (other) return other.redact;
  if (format === fact.reader.name) return fact.redact;
  throw new Error(`No redactor for “${format}” of the fact “${fact.name}”: its bytes must not be written.`);
}

/** The same for text that is no fact: a tool's standard error, a label, why a node was lost. */
export function redactText(text: string): string {
  return maskSentence(text);
}
