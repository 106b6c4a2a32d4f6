import {factOf} from './facts/catalogue.ts';
import type {Evidence} from './facts/evidence.ts';
import {readersOf} from './facts/fallbacks.ts';
import type {Reply} from './wire/source.ts';

/** Which reader showed a fact of a node, and what it runs: not every node can be read by the same. */
export type ReadBy = {
  readonly node: string;
  readonly fact: string;
  readonly reader: string;
  readonly command?: string;
};

/** The readers that the evidence anywhere in `json` rests on, each node's and fact's once. */
export function readBy(json: unknown, replyOf: (evidence: Evidence) => Reply | undefined): ReadBy[] {
  const found = new Map<string, ReadBy>();
  const seen = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!isEvidence(value)) {
      for (const inner of Object.values(value)) visit(inner);
      return;
    }
    const {node, fact, netns, sweep} = value;
    const place = `${node} ${fact} ${netns ?? ''} ${sweep}`;
    if (seen.has(place)) return;
    seen.add(place);
    const reader = replyOf(value)?.reader;
    const known = factOf(fact);
    if (reader === undefined || !known || found.has(`${node} ${fact} ${reader}`)) return;
    const ran = readersOf(known).find(({name}) => name === reader);
    const command = ran && [ran.command, ...(ran.also ?? [])].join('; ');
    found.set(`${node} ${fact} ${reader}`, {node, fact, reader, ...(command !== undefined && {command})});
  };
  visit(json);
  return [...found.values()];
}

function isEvidence(value: object): value is Evidence {
  const {node, fact, sweep, from, to} = value as Record<string, unknown>;
  return (
    typeof node === 'string' &&
    typeof fact === 'string' &&
    [sweep, from, to].every(one => typeof one === 'number')
  );
}
