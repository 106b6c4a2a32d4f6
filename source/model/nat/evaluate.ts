import type {Evidence} from '../../facts/evidence.ts';
import type {Chain, FilterRule, Hook, Netfilter, Ruleset, Verdict} from '../../facts/netfilter/ruleset.ts';
import type {Dated} from '../../facts/snapshot.ts';
import {chainFrom} from '../chains.ts';
import type {Namespace} from '../graph.ts';
import {isFilter, mayOf, passes, settled} from './filter.ts';
import {held} from './match.ts';
import type {Branch, Packet, Step} from './packet.ts';

/** How far the evaluation has come on one branch. */
export type State = Omit<Branch, 'fate' | 'why'>;
type Fate = Branch['fate'];
/** What ends a chain: it runs out, or a verdict ends the table, or the packet's way. */
export type End = {
  readonly state: State;
  readonly fate?: Fate;
  readonly why?: string;
  /** The table is done with it. */
  readonly accepted?: true;
  /** The chain is done with it: the caller goes on. */
  readonly returned?: true;
};

/** More branches than a service of a thousand backends makes are a loop. */
const MOST = 4096;
const DEEP = 64;

/**
 * What the rules of a namespace do to the first packet of a connection at one hook; the packet as it is where nothing
 * matches. Chains go in the order of their priority; translation happens once, however many tables would. Undefined
 * when the rules of the namespace were not read. A filter rule that is not understood ends nothing: see `unsure`.
 */
export function hookBranches(
  namespace: Namespace,
  hook: Hook,
  packet: Packet,
  {established = false}: {readonly established?: boolean} = {},
): readonly Branch[] | undefined {
  const read = namespace.facts?.netfilter;
  if (!read) return undefined;
  // Of a connection that is known conntrack translates without asking the rules of type nat again.
  const bases = basesOf(read.value, hook, packet.family).filter(
    ({chain}) => !established || chain.base?.type !== 'nat',
  );
  let open: End[] = [{state: {probability: 1, packet, steps: [], doubts: [], unsure: []}}];
  for (const {ruleset, chain} of bases) {
    open = open.flatMap(end =>
      end.fate !== undefined || (chain.base?.type === 'nat' && end.state.translated !== undefined)
        ? [end]
        : runChain(
            {namespace, read, ruleset, hook, soft: isFilter(chain), left: MOST},
            chain,
            0,
            {...end.state},
            0,
          ).map(after => settled(chain, end.state, after)),
    );
  }
  return open.map(({state, fate, why}) => ({
    ...state,
    fate: fate ?? 'on',
    why: why ?? (state.translated ? 'its rules translate it' : 'no rule translates it'),
  }));
}

function basesOf(
  {rulesets}: Netfilter,
  hook: Hook,
  family: 4 | 6,
): {ruleset: Ruleset; chain: Chain; priority: number}[] {
  return rulesets
    .filter(ruleset => ruleset.family === family)
    .flatMap(ruleset =>
      ruleset.chains.flatMap(chain =>
        chain.base?.hook === hook ? [{ruleset, chain, priority: chain.base.priority}] : [],
      ),
    )
    .sort((a, b) => a.priority - b.priority);
}

type Run = {
  readonly namespace: Namespace;
  readonly read: Dated<Netfilter>;
  readonly ruleset: Ruleset;
  readonly hook: Hook;
  /** Its rules decide whether a packet may pass, not where it goes. */
  readonly soft: boolean;
  left: number;
};

/** Goes through a chain from rule `at`; every way it can end. */
function runChain(run: Run, chain: Chain, at: number, begin: State, depth: number): End[] {
  const ends: End[] = [];
  let state = begin;
  for (let i = at; i < chain.rules.length; i += 1) {
    const rule = chain.rules[i]!;
    const chance = chanceOf(run, rule, state.packet);
    if (chance === 0) continue;
    if (typeof chance === 'string') {
      if (run.soft) {
        const may = mayOf(run.ruleset, chain, rule.verdict);
        if (may)
          state = passes(
            state,
            evidenceOf(run, rule),
            may,
            `rule “${textOf(rule)}” of ${chain.table} ${chain.name} asks what is not understood: ${chance}`,
          );
        continue;
      }
      if (!matters(run, chain, rule.verdict)) continue;
      if (isAffinity(chance)) {
        state = {...state, doubts: once(state.doubts, 'a client that came back may be kept at its backend')};
        continue;
      }
      const why = `rule “${textOf(rule)}” of ${chain.name} asks what is not understood: ${chance}`;
      return [...ends, {state: stepped(run, chain, rule, state), fate: 'unknown', why}];
    }
    if (run.left-- <= 0 || depth > DEEP) {
      return [...ends, {state, fate: 'unknown', why: 'its rules branch too often to follow'}];
    }
    const taken = {...state, probability: state.probability * chance};
    const after = apply(run, chain, rule, taken, depth);
    // Certain, and it goes on in this chain: no branch.
    if (chance === 1 && after.length === 1 && after[0]!.fate === undefined && !isFinal(after[0]!)) {
      state = after[0]!.state;
      continue;
    }
    for (const end of after) {
      if (end.fate !== undefined || isFinal(end)) ends.push(end);
      else ends.push(...runChain(run, chain, i + 1, end.state, depth + 1));
    }
    if (chance === 1) return ends;
    state = {...state, probability: state.probability * (1 - chance)};
  }
  return [...ends, {state}];
}

function isFinal(end: End): boolean {
  return end.accepted === true || end.returned === true;
}

/** What a matching rule does: one end without a mark means that the chain goes on behind it. */
function apply(run: Run, chain: Chain, rule: FilterRule, state: State, depth: number): End[] {
  const {verdict} = rule;
  const stay = stepped(run, chain, rule, state);
  switch (verdict.do) {
    case 'nothing':
      return [{state}];
    case 'accept':
      return [{state: stay, accepted: true}];
    case 'drop':
      return [{state: stay, fate: 'dropped', why: `rule “${textOf(rule)}” of ${chain.name} drops it`}];
    case 'reject':
      return [{state: stay, fate: 'rejected', why: `rule “${textOf(rule)}” of ${chain.name} rejects it`}];
    case 'return':
      return [{state, returned: true}];
    case 'mark': {
      const mark = ((state.packet.mark & ~verdict.mask) ^ verdict.value) >>> 0;
      return [{state: {...stay, packet: {...state.packet, mark}}}];
    }
    case 'connmark': {
      const {packet} = state;
      const {connmark = 0} = packet;
      if (verdict.op === 'restore') {
        const mark = ((packet.mark & ~verdict.clear) ^ (connmark & verdict.mask)) >>> 0;
        return [{state: mark === packet.mark ? state : {...stay, packet: {...packet, mark}}}];
      }
      const value = verdict.op === 'set' ? verdict.value : packet.mark & verdict.mask;
      return [
        {state: {...state, packet: {...packet, connmark: ((connmark & ~verdict.clear) ^ value) >>> 0}}},
      ];
    }
    case 'jump':
    case 'goto': {
      const target = chainFrom(run.ruleset, chain, verdict.chain);
      if (!target) {
        return [notUnderstood(run, chain, rule, state, verdict.chain)];
      }
      const ends = runChain(run, target, 0, stay, depth + 1);
      // A return, or the end of the chain, comes back behind a jump, and behind the caller's jump after a goto.
      return ends.map(end => {
        const {returned: _, ...back} = end;
        return end.accepted || end.fate !== undefined || verdict.do === 'jump'
          ? back
          : {...back, returned: true};
      });
    }
    case 'other':
      return [notUnderstood(run, chain, rule, state, verdict.text)];
  }
  return [translate(run, verdict, stay)];
}

function notUnderstood(run: Run, chain: Chain, rule: FilterRule, state: State, what: string): End {
  const why = `rule “${textOf(rule)}” of ${chain.name} does what is not understood: ${what}`;
  if (run.soft) return {state: passes(state, evidenceOf(run, rule), 'both', why)};
  return {state: stepped(run, chain, rule, state), fate: 'unknown', why};
}

function translate(
  {namespace, hook}: Run,
  verdict: Extract<Verdict, {do: 'dnat' | 'snat' | 'masquerade' | 'redirect'}>,
  state: State,
): End {
  const {packet} = state;
  const accepted = true as const;
  if (verdict.do === 'dnat') {
    const {address = packet.destination, port} = verdict;
    const to = {
      ...packet,
      destination: address,
      tracked: [...(packet.tracked ?? ['NEW']), 'DNAT'],
      ...(port === undefined ? {} : {destinationPort: port}),
    };
    return {state: {...state, packet: to, translated: 'destination'}, accepted};
  }
  if (verdict.do === 'redirect') {
    const own = hook === 'OUTPUT' ? loopback(packet.family) : addressOf(namespace, packet.in, packet.family);
    if (own === undefined)
      return {state, fate: 'unknown', why: 'it is redirected, and the device has no known address'};
    const to = {
      ...packet,
      destination: own,
      tracked: [...(packet.tracked ?? ['NEW']), 'DNAT'],
      ...(verdict.port === undefined ? {} : {destinationPort: verdict.port}),
    };
    return {state: {...state, packet: to, translated: 'destination'}, accepted};
  }
  const {sourcePort: _, ...rest} = packet;
  if (verdict.do === 'snat') {
    const {address = packet.source, port} = verdict;
    const from = {...rest, source: address, ...(port === undefined ? {} : {sourcePort: port})};
    return {state: {...state, packet: from, translated: 'source'}, accepted};
  }
  const own = addressOf(namespace, packet.out, packet.family);
  if (own === undefined) {
    const where = packet.out ?? 'a device that is not known';
    return {state, fate: 'unknown', why: `it is masqueraded, but the address of ${where} is not known`};
  }
  return {state: {...state, packet: {...rest, source: own}, translated: 'source'}, accepted};
}

function loopback(family: 4 | 6): string {
  return family === 4 ? '127.0.0.1' : '::1';
}

/**
 * The address that packets which leave by a device get: its first of global scope, else that of the first other device
 * (`inet_select_addr`; a veth of a routed pod has none of its own).
 */
function addressOf(namespace: Namespace, device: string | undefined, family: 4 | 6): string | undefined {
  const leaving = device === undefined ? undefined : namespace.byName.get(device);
  if (!leaving) return undefined;
  const others = [...namespace.interfaces].sort((a, b) => a.link.ifindex - b.link.ifindex);
  return [leaving, ...others]
    .flatMap(({addresses}) => addresses)
    .find(one => one.family === family && one.scope === 'global')?.address;
}

/** The chance that all matches hold: 0 never, 1 always; a text is the first that cannot be told. */
function chanceOf({namespace}: Run, rule: FilterRule, packet: Packet): number | string {
  let chance = 1;
  let unknown: string | undefined;
  for (const match of rule.matches) {
    const answer = held(namespace, match, packet);
    if (answer === 'no') return 0;
    if (answer === 'unknown')
      unknown ??= match.is === 'other' ? match.text : `${match.is} ${describe(match)}`;
    else if (typeof answer === 'number') chance *= answer;
  }
  return unknown ?? chance;
}

function describe(match: FilterRule['matches'][number]): string {
  const {is: _, not, ...rest} = match;
  return `${not ? 'not ' : ''}${Object.values(rest).flat(2).join(' ')}`;
}

/** kube-proxy keeps a client at its backend with `-m recent --rcheck`: of a new client it does not hold. */
function isAffinity(text: string): boolean {
  return text.startsWith('-m recent');
}

/** Could a rule that may or may not match change where the packet goes? */
function matters(run: Run, chain: Chain, verdict: Verdict, seen = new Set<string>()): boolean {
  if (verdict.do === 'nothing') return false;
  if (verdict.do !== 'jump' && verdict.do !== 'goto') return true;
  if (seen.has(verdict.chain)) return false;
  seen.add(verdict.chain);
  const target = chainFrom(run.ruleset, chain, verdict.chain);
  return !target || target.rules.some(rule => matters(run, target, rule.verdict, seen));
}

function stepped(run: Run, chain: Chain, rule: FilterRule, state: State): State {
  const step: Step = {
    table: chain.table,
    chain: chain.name,
    text: textOf(rule),
    evidence: evidenceOf(run, rule),
  };
  return {...state, steps: [...state.steps, step]};
}

function evidenceOf({namespace, read}: Run, {from, to}: FilterRule): Evidence {
  return {node: namespace.node.id, fact: 'netfilter', sweep: read.sweep, from, to};
}

/** A rule in a few words: its comment, else what it does. */
export function textOf({comment, verdict}: FilterRule): string {
  if (comment !== undefined && comment !== '') return comment;
  switch (verdict.do) {
    case 'jump':
    case 'goto':
      return verdict.chain;
    case 'dnat':
    case 'snat':
      return `${verdict.do} ${verdict.address ?? ''}${verdict.port === undefined ? '' : `:${verdict.port}`}`;
    case 'mark':
      return `mark 0x${verdict.value.toString(16)}`;
    default:
      return verdict.do;
  }
}

function once(list: readonly string[], text: string): readonly string[] {
  return list.includes(text) ? list : [...list, text];
}
