import type {Evidence} from '../../facts/evidence.ts';
import type {Chain, Ruleset, Verdict} from '../../facts/netfilter/ruleset.ts';
import {chainFrom} from '../chains.ts';
import type {End, State} from './evaluate.ts';
import type {May} from './packet.ts';

/** Chains that decide whether a packet may pass, not where it goes: all but those of type nat and mangle. */
export function isFilter({base}: Chain): boolean {
  return base !== undefined && base.type !== 'nat' && base.type !== 'mangle';
}

/** What a rule may do to the packet if it holds; undefined when nothing. */
export function mayOf(
  ruleset: Ruleset,
  chain: Chain,
  verdict: Verdict,
  seen = new Set<string>(),
): May | undefined {
  switch (verdict.do) {
    case 'nothing':
      return undefined;
    case 'accept':
      return 'accept';
    case 'drop':
    case 'reject':
      return 'drop';
    case 'jump':
    case 'goto': {
      if (seen.has(verdict.chain)) return undefined;
      seen.add(verdict.chain);
      const target = chainFrom(ruleset, chain, verdict.chain);
      if (!target || verdict.do === 'goto') return 'both';
      // A return in there only comes back to here.
      const rules = target.rules.filter(rule => rule.verdict.do !== 'return');
      return rules.reduce<May | undefined>(
        (may, rule) => join(may, mayOf(ruleset, target, rule.verdict, seen)),
        undefined,
      );
    }
    default:
      return 'both';
  }
}

function join(a: May | undefined, b: May | undefined): May | undefined {
  return a === undefined || a === b ? b : b === undefined ? a : 'both';
}

/** It goes on as if the rule did not hold, which is kept. */
export function passes(state: State, evidence: Evidence, may: May, text: string): State {
  if (state.unsure.some(one => one.text === text)) return state;
  return {...state, unsure: [...state.unsure, {text, evidence, may}]};
}

/**
 * A base chain is through. Its policy decides what no rule decided. What drops a packet that a rule which is not
 * understood may have let through before is not known to drop it.
 */
export function settled(chain: Chain, before: State, end: End): End {
  const refused: End =
    end.fate === undefined && end.accepted === undefined && chain.base?.policy === 'drop'
      ? {
          ...end,
          fate: 'dropped',
          why: `no rule of ${chain.table} ${chain.name} lets it pass, and its policy is drop`,
        }
      : end;
  if (!isFilter(chain)) return refused;
  const {state, fate, why} = refused;
  if (fate === 'dropped' || fate === 'rejected') {
    const saved = state.unsure.find(({may}) => may !== 'drop');
    return saved
      ? {state, fate: 'unknown', why: `${why}, unless it is let through before: ${saved.text}`}
      : refused;
  }
  if (fate !== undefined) return refused;
  // What may have let it through does not matter any more; and filters that let it pass did not lead it anywhere.
  const unsure = state.unsure.filter(({may}) => may !== 'accept');
  const steps = state.packet.mark === before.packet.mark ? before.steps : state.steps;
  return {...refused, state: {...state, unsure, steps}};
}
