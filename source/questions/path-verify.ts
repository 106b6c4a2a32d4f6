import * as v from 'valibot';
import {PROBE, PROBES} from '../facts/probes.ts';
import {ROUTE_GETS} from '../facts/route-gets.ts';
import type {Namespace} from '../model/graph.ts';
import {evidenceOf, type Way} from '../model/path/hop.ts';
import {check, decisionsOf, gained, lineOf} from '../model/path/verify.ts';
import type {Read} from '../wire/source.ts';
import {interfaceWords, namespaceWords} from './names.ts';
import {count, Evidence, list, maybe, text} from './schema.ts';
import type {Want} from './want.ts';

export const Verified = v.object({
  agree: count('Decisions of which the kernel says the same.'),
  disagree: count('Decisions of which it says something else.'),
  notAsked: count('Decisions that it was not asked about.'),
  decisions: list(
    v.object({
      place: text('Namespace that decides.'),
      line: maybe.text('What it was asked, as an ip line.'),
      verdict: v.picklist(['agrees', 'disagrees', 'not asked']),
      worked: text('What was worked out from its tables.'),
      kernel: text('What it says itself.'),
      evidence: list(Evidence),
    }),
  ),
});
export type Verified = v.InferOutput<typeof Verified>;

export const Probed = v.object({
  destination: text('Address that the echo requests went to.'),
  sent: count('Echo requests sent.'),
  received: count('Answers that came.'),
  rtt: maybe.count('Average round trip in milliseconds.'),
  sentence: text('What the counters say of the predicted way.'),
  links: v.pipe(
    list(
      v.object({
        link: text('What `hoptop link` takes.'),
        way: v.picklist(['in', 'out']),
        gained: maybe.count('Packets that it gained meanwhile; absent when not known.'),
        others: maybe.count('Packets of others among them, at least: more than were sent by the probe.'),
        moved: v.picklist(['yes', 'no', 'unknown']),
      }),
    ),
    v.description('Interfaces of the predicted way, there.'),
  ),
  evidence: list(Evidence),
});
export type Probed = v.InferOutput<typeof Probed>;

/** Every routing decision of the ways, beside what the kernel answered. */
export function verified(ways: readonly Way[]): Verified {
  const decisions = decisionsOf(ways).map(check);
  const those = (verdict: string) => decisions.filter(one => one.verdict === verdict).length;
  return {
    agree: those('agrees'),
    disagree: those('disagrees'),
    notAsked: those('not asked'),
    decisions: decisions.map(({namespace, evidence, ...rest}) => ({
      place: namespaceWords(namespace),
      ...rest,
      evidence: [...evidence],
    })),
  };
}

/** The reads that ask each kernel about its decisions: one for each namespace. Empty once all have been answered. */
export function verifyReads(ways: readonly Way[]): Want[] {
  const lines = new Map<Namespace, Set<string>>();
  for (const asked of decisionsOf(ways)) {
    const line = lineOf(asked);
    if (line === undefined) continue;
    lines.set(asked.namespace, (lines.get(asked.namespace) ?? new Set()).add(line));
  }
  const reads = [...lines].map(
    ([{node, inode}, asked]): Read => ({
      node: node.id,
      reader: ROUTE_GETS.reader,
      scope: {netns: [inode]},
      asked: [...asked],
    }),
  );
  return reads.length > 0 ? [{reads}] : [];
}

/** The one read that sends. */
export function probeRead(namespace: Namespace, destination: string): Want {
  return {
    reads: [
      {
        node: namespace.node.id,
        reader: PROBES.reader,
        scope: {netns: [namespace.inode]},
        asked: [destination],
      },
    ],
    say: `Sending ${PROBE.count} ICMP echo requests of 56 bytes, ${PROBE.interval} s apart, from ${namespaceWords(namespace)} to ${destination}.`,
    counted: true,
  };
}

/** What came of it, and which interfaces of the predicted way gained at least as many packets meanwhile. */
export function probed(namespace: Namespace, destination: string, ways: readonly Way[]): Probed | undefined {
  const read = namespace.facts?.probes;
  const probe = read?.value.find(one => one.destination === destination);
  if (!probe) return undefined;
  const [way] = ways;
  const links = (way?.hops ?? []).flatMap(hop => {
    const {iface, way: how} = hop;
    if (!iface || (how !== 'in' && how !== 'out')) return [];
    const gain = gained(hop);
    const moved =
      gain === undefined ? ('unknown' as const) : gain >= probe.sent ? ('yes' as const) : ('no' as const);
    const others = gain === undefined ? undefined : Math.max(0, gain - probe.sent);
    return [{link: interfaceWords(iface), way: how, gained: gain, others, moved}];
  });
  return {
    destination,
    sent: probe.sent,
    received: probe.received,
    rtt: probe.rtt,
    links,
    sentence: sentence(links),
    evidence: [...evidenceOf(namespace, 'probes', read, probe)],
  };
}

function sentence(links: Probed['links']): string {
  const still = links.find(({moved}) => moved === 'no');
  const unknown = links.filter(({moved}) => moved === 'unknown').length;
  if (links.length === 0) return 'No interface was predicted to be crossed.';
  if (still)
    return `Against the prediction, ${still.link} did not gain as many packets: they are lost before it, or go another way.`;
  if (unknown === links.length) return 'Whether counters moved was not read.';
  // Counters count everybody's packets: where as many came of others, they would have moved without the probe as well.
  const busy = links.filter(({gained = 0, others = 0}) => others > 0 && others * 2 >= gained).length;
  return [
    `All ${links.length - unknown} interfaces predicted gained as many packets or more`,
    ...(unknown > 0 ? [`of ${unknown} it is not known`] : []),
    ...(busy > 0 ? [`on ${busy} of them as many were of others, so these prove nothing`] : []),
  ]
    .join('; ')
    .concat('.');
}
