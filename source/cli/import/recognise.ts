import {FACTS} from '../../facts/catalogue.ts';
import {CLUSTER_FACTS} from '../../facts/cluster.ts';
import type {Fact, Format, Sample} from '../../facts/fact.ts';
import {kubeObjects} from '../../facts/kube/objects.ts';
import {linesOf, quoted} from '../../facts/lines.ts';
import type {Block} from './blocks.ts';

/** A fact that a text can be made into, and the format that it is in for that. */
export type Recognised = {readonly fact: Fact; readonly format: Format};

const MOST_LINES = 50;

/** What a text is by its content; several facts may be in one. Empty for one that nobody knows. Never throws. */
export function recognise(block: Pick<Block, 'out' | 'command'>): Recognised[] {
  const sample = sampleOf(block);
  if (sample.lines.length === 0) return [];
  return [...FACTS, ...CLUSTER_FACTS].flatMap(fact => {
    const format = fact.formats?.find(one => one.looks(sample));
    return format ? [{fact, format}] : [];
  });
}

function sampleOf({out, command}: Pick<Block, 'out' | 'command'>): Sample {
  const lines: string[] = [];
  for (const {text} of linesOf(out)) {
    const line = text.replace(/\r$/, '').slice(0, 2000);
    // A complaint that a tool repeats for each of its rows tells nothing of them.
    if (line.trim() !== '' && line !== lines.at(-1)) lines.push(line);
    if (lines.length >= MOST_LINES) break;
  }
  return {lines, out, ...(command !== undefined && {command})};
}

/** Why a text was not recognised, as a sentence's end. */
export function whyNot({out, command}: Pick<Block, 'out' | 'command'>): string {
  const {lines} = sampleOf({out});
  const [first = ''] = lines;
  if (out.includes(0)) return 'it is no text';
  const missing = /^(?:.*: )?(\S+): (?:command )?not found/.exec(first)?.[1];
  if (missing !== undefined) return `the node had no ${quoted(missing)}`;
  if (/permission denied|operation not permitted/i.test(first)) return 'the command was refused';
  if (/^\s*\{|^apiVersion:|^kind:/.test(first)) {
    const {objects, problems} = kubeObjects(out);
    if (problems[0] !== undefined) return problems[0].replace(/\.$/, '');
    const kinds = [...new Set(objects.map(({kind}) => kind).filter(kind => kind !== ''))];
    if (kinds.length > 0) return `objects of kind ${kinds.map(quoted).join(', ')} are not read`;
  }
  return command === undefined
    ? 'it looks like no output that hoptop knows'
    : `hoptop does not know what ${quoted(command)} prints`;
}

/** What people call the formats that are recognised, each once, in the order of the facts. */
export function formatLabels(): string[] {
  const labels = [...FACTS, ...CLUSTER_FACTS].flatMap(({formats = []}) => formats.map(({label}) => label));
  return [...new Set(labels)];
}
