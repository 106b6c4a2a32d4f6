import type {Reader} from '../../wire/source.ts';
import {linesOf} from '../lines.ts';
import type {Network} from '../network-tables.ts';
import type {FoundPiece} from '../pieces.ts';
import {tableAt} from './asked.ts';
import {networkOf} from './pasted.ts';

/** The lines of the batch, in the order of their answers. */
export const TABLES = ['addr show', 'route show table all', 'neigh show nud all', 'rule show'] as const;
const ORDER = ['links', 'routes', 'neighbours', 'rules'] as const;

/** iproute2 before 4.17 prints no JSON, or not of all tables; the text has nearly all of it. */
export const IP_TEXT: Reader = {
  name: 'ip-batch-text@1',
  fact: 'network',
  scope: 'each-netns',
  command: 'ip -d -s -force -batch -',
  stdin: `${TABLES.join('\n')}\n`,
  why: 'Where `ip` prints no JSON: the same tables of a namespace as text.',
  limit: 64_000_000,
  timeout: 10,
};

/**
 * The tables of one batch as text, one after the other without anything between them. Each is begun by the first line of
 * its form: with `-d` every route begins with its type, so none reads like a neighbour. `err` names lines that failed.
 */
export function parseIpText(out: Uint8Array, err = ''): Network {
  const starts: {table: number; from: number}[] = [];
  for (const {from, text} of linesOf(out)) {
    if (/^\s/.test(text)) continue;
    const table = ORDER.indexOf(tableAt(text) as (typeof ORDER)[number]);
    if (table > (starts.at(-1)?.table ?? -1)) starts.push({table, from});
  }
  const pieces = starts.map(
    ({table, from}, i): FoundPiece => ({
      format: 'ip-text@1',
      command: `ip ${TABLES[table]}`,
      from,
      out: out.subarray(from, starts[i + 1]?.from ?? out.length),
    }),
  );
  const read = networkOf(pieces);
  const failed = new Set([...err.matchAll(/Command failed \S*:(\d+)/g)].map(match => Number(match[1]) - 1));
  const missing = ORDER.filter((_, table) => failed.has(table));
  const empty = <Key extends (typeof ORDER)[number]>(key: Key) =>
    out.length > 0 && read[key] === undefined && !missing.includes(key) ? {[key]: []} : {};
  return {
    ...read,
    ...empty('routes'),
    ...empty('neighbours'),
    ...empty('rules'),
    problems: [...read.problems, ...missing.map(table => `its ${table} are missing from the answer.`)],
  };
}
