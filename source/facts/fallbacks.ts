import type {Reader, Reply} from '../wire/source.ts';
import {noEntry, unknownWord} from './contribution.ts';
import type {Fact} from './fact.ts';

/** Why a reader cannot be on a node: `tool` is not there, nor is the way into namespaces or the right to go it, or it knows not what it is asked. */
export type Unfit = {readonly lacks: 'tool' | 'entry' | 'right' | 'option'; readonly sentence: string};

/** All readers of a fact, best first. */
export function readersOf({reader, otherwise = []}: Fact): readonly Reader[] {
  return [reader, ...otherwise.map(one => one.reader)];
}

/** The reader that a reply is of; the fact's best one for a name that this version does not know. */
export function readerNamed(fact: Fact, name: string): Reader {
  return readersOf(fact).find(reader => reader.name === name) ?? fact.reader;
}

export function toolOf({tool, command}: Reader): string {
  return tool ?? command.split(' ')[0]!;
}

/**
 * Does a reply show that its reader can never be on that node? Exit statuses as in `sh`: 127 no such program, 126 not to
 * be run. A command that merely failed (refused, too slow, a namespace that was gone) may do better the next time.
 */
export function unfit(fact: Fact, reply: Reply): Unfit | undefined {
  const reader = readerNamed(fact, reply.reader);
  const tool = toolOf(reader);
  if ((reply.exit === 127 || reply.exit === 126) && noEntry(reply.err))
    return {lacks: 'entry', sentence: '`nsenter` is not installed'};
  if (reply.exit !== 0 && /^nsenter: .*(?:Permission denied|not permitted)/m.test(reply.err))
    return {lacks: 'right', sentence: 'Other network namespaces may not be entered'};
  if (reply.exit === 127) return {lacks: 'tool', sentence: `\`${tool}\` is not installed`};
  if (reply.exit === 126) return {lacks: 'tool', sentence: `\`${tool}\` cannot be run`};
  const said = reply.exit !== 0 && reply.out.length === 0 ? unknownWord(reply.err) : undefined;
  if (said !== undefined)
    return {lacks: 'option', sentence: `\`${tool}\` does not know what it is asked (${said})`};
  const why = fact.unfit?.(reply);
  return why === undefined ? undefined : {lacks: 'option', sentence: why};
}

/** Place in `readersOf` of the next one worth trying after `index`; undefined when there is none. */
export function nextReader(fact: Fact, index: number, {lacks}: Unfit): number | undefined {
  const readers = readersOf(fact);
  const tool = toolOf(readers[index]!);
  const next = readers.findIndex(
    (reader, i) =>
      i > index &&
      !(lacks === 'tool' && toolOf(reader) === tool) &&
      !((lacks === 'entry' || lacks === 'right') && reader.proc !== true),
  );
  return next < 0 ? undefined : next;
}
