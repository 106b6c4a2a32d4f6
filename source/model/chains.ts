import type {Chain, Ruleset} from '../facts/netfilter/ruleset.ts';

const indexes = new WeakMap<Ruleset, ReadonlyMap<string, Chain>>();

/** The chain that a jump from `from` leads to: one of the same table. kube-proxy has several for each service, so they are looked up, not searched for. */
export function chainFrom(ruleset: Ruleset, from: Chain, name: string): Chain | undefined {
  let index = indexes.get(ruleset);
  if (!index) {
    // The first of a name counts, as it did when they were read.
    index = new Map([...ruleset.chains].reverse().map(chain => [keyOf(chain.table, chain.name), chain]));
    indexes.set(ruleset, index);
  }
  return index.get(keyOf(from.table, name));
}

/** Neither a table's nor a chain's name has a space. */
function keyOf(table: string, name: string): string {
  return `${table} ${name}`;
}
