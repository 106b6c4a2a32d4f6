/**
 * The staircase from replies to snapshots: which reads are due on a node's next sweep, and what its replies make of
 * its snapshot. One `Sweeper` per node; it does no I/O and reads no clock.
 *
 * What changes all the time (sockets, owners, processes, counters) is due on every sweep. What changes seldom (links,
 * routes, neighbours) is due at first, when the namespace's fingerprint changed, and every `backstop` sweeps.
 */
import {createChoices} from './choices.ts';
import {skewOf} from './facts/clock.ts';
import type {Evidence, Gap} from './facts/evidence.ts';
import type {Contribution, Fact} from './facts/fact.ts';
import {PASTED} from './facts/pieces.ts';
import type {Cost, NetnsFacts, Snapshot} from './facts/snapshot.ts';
import type {Read, Reply, Scope, Swept} from './wire/source.ts';

export type Sweeper = {
  /** The newest complete snapshot; undefined until the first sweep ended. */
  snapshot(): Snapshot | undefined;
  /** The one before it: for rates and change marks. */
  previous(): Snapshot | undefined;
  /** Reads due now. Empty right after a sweep that left nothing to follow up. */
  due(): readonly Read[];
  /** Reads that the last sweep showed to be needed at once, e.g. the FDB of namespaces that turned out to have one. */
  followUps(): readonly Read[];
  reply(reply: Reply): void;
  swept(swept: Swept): void;
  /** The node was lost: what came of an unfinished sweep is void. */
  lost(): void;
  /** Makes every read due again, as at first. */
  forgetCadence(): void;
  /** The same read by the reader that this node can be read by. */
  suited(read: Read): Read;
  /** The bytes behind a statement, or undefined when they are no longer held. */
  evidence(evidence: Evidence): Reply | undefined;
};

/** Interface kinds that have a forwarding database of their own. */
const SWITCHES = new Set(['bridge', 'vxlan']);

/** After so many seconds everything is read, moved or not. */
const ALL_FRESH = 30;

export function createSweeper(node: string, facts: readonly Fact[]): Sweeper {
  let complete: Snapshot | undefined;
  let before: Snapshot | undefined;
  let draft: Snapshot = emptySnapshot(node);
  let first = true;
  /** Raised by `forgetCadence`: a sweep that was asked for before that does not make up for it. */
  let epoch = 0;
  let askedIn = 0;
  /** Uptime of the node when everything was last read, moved or not, and whether the sweep under way does so. */
  let allFreshAt = Number.NEGATIVE_INFINITY;
  let readsAllFresh = false;
  const byName = new Map(facts.map(fact => [fact.name, fact]));
  const newest = new Map<string, Reply>();
  const gaps = new Map<string, readonly Gap[]>();
  const readAt = new Map<string, number>();
  const stale = new Set<string>();
  const watched = new Map<string, string>();
  let sweepFacts = new Set<string>();
  const choices = createChoices(node);
  /** By fact, what its chosen reader is still to be asked: namespaces, or the node. */
  let again = new Map<string, Set<string>>();
  let pending: Reply[] = [];

  const key = (fact: string, netns?: string) => `${fact} ${netns ?? ''}`;

  /**
   * Facts look at what those before them in the list found. Replies do not come in that order where they were read in
   * different sweeps, as at the beginning of a recording's state; so they wait for the end of the sweep.
   */
  function takeIn(): void {
    const order = new Map(facts.map((fact, index) => [fact.name, index]));
    pending.sort((a, b) => order.get(a.fact)! - order.get(b.fact)!);
    // What was pasted of a node mostly does not tell the inode of its namespace: `host` stands for it then.
    if (draft.hostNetns === undefined && pending.some(({reader}) => reader === PASTED)) {
      draft = {...draft, hostNetns: 'host'};
    }
    for (const reply of pending) {
      const fact = byName.get(reply.fact)!;
      const id = key(reply.fact, reply.netns);
      const place = reply.netns === undefined || reply.netns === draft.hostNetns ? 'host' : 'inside';
      const passed = choices.pass(fact, reply, place);
      if (passed !== undefined) {
        again.set(fact.name, (again.get(fact.name) ?? new Set()).add(reply.netns ?? 'node'));
        gaps.set(id, [passed]);
        continue;
      }
      newest.set(id, reply);
      sweepFacts.add(fact.name);
      if (fact.collect) {
        readAt.set(id, reply.sweep);
        gaps.delete(id);
      } else absorb(fact.contribute(reply, draft), id, reply);
    }
    pending = [];
  }

  function absorb(contribution: Contribution, id: string, reply: Reply): void {
    draft = merge(draft, contribution);
    gaps.set(id, contribution.gaps ?? []);
    readAt.set(id, reply.sweep);
  }

  /** Namespaces that exist as far as is known. */
  function living(): Set<string> {
    const alive = new Set(draft.members?.value.map(member => member.netns) ?? draft.netns.keys());
    if (draft.hostNetns) alive.add(draft.hostNetns);
    return alive;
  }

  function dropGoneNamespaces(): void {
    if (!draft.members) return;
    const alive = living();
    const netns = new Map([...draft.netns].filter(([inode]) => alive.has(inode)));
    for (const id of [...newest.keys(), ...gaps.keys()]) {
      const inode = id.slice(id.indexOf(' ') + 1);
      if (inode !== '' && !alive.has(inode)) {
        newest.delete(id);
        gaps.delete(id);
        readAt.delete(id);
      }
    }
    draft = {...draft, netns};
  }

  function collectTables(): void {
    for (const fact of facts) {
      if (!fact.collect || !sweepFacts.has(fact.name)) continue;
      const replies = [...newest.values()].filter(reply => reply.fact === fact.name);
      const contribution = fact.collect(replies, draft);
      draft = merge(draft, contribution);
      gaps.set(key(fact.name), contribution.gaps ?? []);
    }
  }

  /** Namespaces whose fingerprint is not what it was at the sweep before. */
  function markStale(was: Snapshot | undefined, is: Snapshot): void {
    const now = is.fingerprints?.value;
    const then = was?.fingerprints?.value;
    if (!now || !then) return;
    for (const [inode, print] of now) if (then.get(inode) !== print) stale.add(inode);
  }

  function scopeOf(fact: Fact): Scope | undefined {
    const {cadence, reader} = fact;
    // A node itself nearly always has a bridge or a tunnel; of its pods it is not known yet.
    if (first && fact.name === 'forwarding') return {netns: ['host']};
    if (cadence.when === 'asked') return undefined;
    if (cadence.when === 'sweep' || first) return reader.scope;
    if (cadence.when === 'once') return undefined;
    const sweep = draft.sweep + 1;
    if (reader.scope === 'node') {
      const last = readAt.get(key(fact.name)) ?? 0;
      const changed = stale.has('node') || stale.has(draft.hostNetns ?? '');
      const moved = changed || (fact.dueWhen !== undefined && fact.dueWhen(draft) !== watched.get(fact.name));
      return moved || sweep - last >= cadence.backstop ? 'node' : undefined;
    }
    const wanted = [...living()].filter(inode => {
      const last = readAt.get(key(fact.name, inode));
      return last === undefined ? knows(fact, inode) : stale.has(inode) || sweep - last >= cadence.backstop;
    });
    return wanted.length > 0 ? {netns: wanted} : undefined;
  }

  /**
   * What a quiet reader reads all the same; now and then all of it, against changes that no count shows. Where sweeps
   * are far apart, that is every time.
   */
  function freshOf(fact: Fact): Pick<Read, 'fresh'> {
    // The API's adapter tells what changed; at first, and for a recording that begins, it tells all.
    if (fact.reader.api) return first ? {fresh: 'all'} : {};
    if (!fact.reader.quiet) return {};
    const interval = before ? draft.uptime - before.uptime : Number.POSITIVE_INFINITY;
    if (first || draft.uptime + interval - allFreshAt >= ALL_FRESH) {
      readsAllFresh = true;
      return {fresh: 'all'};
    }
    return {fresh: fact.fresh?.(draft, before) ?? []};
  }

  /** An FDB is read only where there is a bridge or a vxlan. */
  function knows(fact: Fact, inode: string): boolean {
    if (fact.name !== 'forwarding') return true;
    return draft.netns.get(inode)?.links?.value.some(link => SWITCHES.has(link.kind ?? '')) ?? false;
  }

  return {
    snapshot: () => complete,
    previous: () => before,
    due() {
      const reads: Read[] = [];
      askedIn = epoch;
      readsAllFresh = false;
      for (const fact of facts) {
        const scope = scopeOf(fact);
        if (scope === undefined) continue;
        reads.push(...choices.reads(fact, scope, draft.hostNetns, freshOf(fact)));
        if (fact.dueWhen) watched.set(fact.name, fact.dueWhen(draft));
      }
      return reads;
    },
    followUps() {
      if (!complete) return [];
      const reads: Read[] = [];
      for (const [name, places] of again) {
        const fact = byName.get(name)!;
        const scope: Scope = fact.reader.scope === 'node' ? 'node' : {netns: [...places]};
        reads.push(...choices.reads(fact, scope, draft.hostNetns, {}));
      }
      const fact = byName.get('forwarding');
      if (!fact || again.has(fact.name)) return reads;
      const wanted = [...draft.netns.keys()].filter(
        inode => readAt.get(key(fact.name, inode)) === undefined && knows(fact, inode),
      );
      return wanted.length > 0
        ? [...reads, ...choices.reads(fact, {netns: wanted}, draft.hostNetns, {})]
        : reads;
    },
    suited: read => {
      const fact = byName.get(read.reader.fact);
      return fact ? choices.suit(fact, read, draft.hostNetns) : read;
    },
    reply(reply) {
      if (byName.has(reply.fact)) pending.push(reply);
    },
    swept(swept) {
      const followed = again.has('sockets');
      again = new Map();
      takeIn();
      dropGoneNamespaces();
      collectTables();
      const was = complete;
      const told = draft.clock?.sweep === swept.swept ? skewOf(draft.clock, swept, was?.skew) : was?.skew;
      // Follow-ups complete a sweep that is already shown; they are not a new moment to take rates from.
      const isNewMoment = sweepFacts.has('namespaces') || (sweepFacts.has('sockets') && !followed);
      const done: Snapshot = {
        ...draft,
        ...(told ? {skew: told} : {}),
        sweep: swept.swept,
        at: swept.at,
        uptime: swept.uptime,
        gaps: [...choices.gaps(facts), ...[...gaps.values()].flat()],
        cost: costOf(swept, isNewMoment ? undefined : was?.cost),
      };
      if (isNewMoment) {
        before = was;
        stale.clear();
        markStale(was, done);
      }
      if (readsAllFresh) allFreshAt = swept.uptime;
      readsAllFresh = false;
      complete = done;
      draft = done;
      if (askedIn === epoch) first = false;
      sweepFacts = new Set();
    },
    lost() {
      pending = [];
      again = new Map();
      choices.forget();
    },
    forgetCadence() {
      epoch++;
      first = true;
      readAt.clear();
    },
    evidence({fact, netns, sweep}) {
      const reply = newest.get(key(fact, netns));
      return reply?.sweep === sweep ? reply : undefined;
    },
  };
}

/** What a sweep cost the node, with what it cost before, if this one only follows up on it. */
function costOf({cpu, wall, bytes, trips}: Swept, before: Cost | undefined): Cost {
  if (!before) return {cpu, wall, bytes, trips};
  return {
    cpu: before.cpu + cpu,
    wall: before.wall + wall,
    bytes: before.bytes + bytes,
    trips: before.trips + trips,
  };
}

function emptySnapshot(node: string): Snapshot {
  return {node, sweep: 0, at: '', uptime: 0, netns: new Map(), gaps: []};
}

function merge(snapshot: Snapshot, contribution: Contribution): Snapshot {
  if (!contribution.netns?.size) return {...snapshot, ...contribution.node};
  const netns = new Map<string, NetnsFacts>(snapshot.netns);
  for (const [inode, part] of contribution.netns) {
    netns.set(inode, {...(netns.get(inode) ?? {netns: inode}), ...part, netns: inode});
  }
  return {...snapshot, ...contribution.node, netns};
}
