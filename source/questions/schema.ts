import * as v from 'valibot';
import {QUESTION_NAMES} from './question.ts';

/** The pieces that answers share. Schemas are the source of the types, and of the JSON Schemas. */

export const list = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.readonly());

const say = <T extends v.GenericSchema>(schema: T, text: string) => v.pipe(schema, v.description(text));

export const text = (about: string) => say(v.string(), about);
export const count = (about: string) => say(v.number(), about);
export const flag = (about: string) => say(v.boolean(), about);
export const maybe = {
  text: (about: string) => v.optional(text(about)),
  count: (about: string) => v.optional(count(about)),
};

export const Evidence = v.object({
  node: text('The node, by the id it was given.'),
  fact: text('What was read.'),
  netns: v.exactOptional(text('Inode of the network namespace it was read in.')),
  sweep: count('Number of the sweep of that node.'),
  from: count('First byte of the reply.'),
  to: count('Byte after the last one.'),
});
export type EvidenceRow = v.InferOutput<typeof Evidence>;

export const Gap = v.object({
  node: text('The node, by name.'),
  fact: text('What could not be read or understood.'),
  netns: v.exactOptional(text('Inode of the network namespace.')),
  reason: text('Why.'),
  reveal: v.exactOptional(text('What would reveal it.')),
  details: v.exactOptional(
    v.pipe(
      list(
        v.object({
          fact: text('What could not be read or understood.'),
          netns: v.exactOptional(text('Inode of the network namespace.')),
          reason: text('Why.'),
        }),
      ),
      v.description('The many refusals that this one gap stands for.'),
    ),
  ),
});

export const Grade = v.pipe(
  v.picklist(['proven', 'inferred', 'ambiguous', 'unknown']),
  v.description(
    'proven: seen from both sides. inferred: follows from one side, nothing contradicts it. ambiguous: several fit, all are listed. unknown: nothing fits.',
  ),
);

/** Keys that every answer has. */
export const base = {
  question: v.object({name: v.picklist(QUESTION_NAMES), words: list(v.string())}),
  at: text('ISO 8601: the moment that ages are counted from.'),
  gaps: list(Gap),
  readBy: v.exactOptional(
    v.pipe(
      list(
        v.object({
          node: text('The node, by the id it was given.'),
          fact: text('What was read.'),
          reader: text('Name and version of what the bytes look like.'),
          command: v.exactOptional(text('What was run; `hoptop commands` tells more.')),
        }),
      ),
      v.description('By what the evidence was read: a node without the best tool is read by the next one.'),
    ),
  ),
};

export const Counters = v.object({
  rxBytes: count('Bytes received.'),
  rxPackets: count('Packets received.'),
  rxErrors: count('Receive errors.'),
  rxDropped: count('Packets dropped on receipt.'),
  txBytes: count('Bytes sent.'),
  txPackets: count('Packets sent.'),
  txErrors: count('Transmit errors.'),
  txDropped: count('Packets dropped on transmission.'),
});

export const Rates = v.pipe(
  v.partial(Counters),
  v.description('Each a second, between the last two readings; a counter that went back is left out.'),
);

export const Tally = v.object({
  established: count('TCP sockets in state ESTAB and connected UDP sockets.'),
  listening: count('TCP sockets in state LISTEN and UDP sockets that are bound and not connected.'),
  other: count('All others, TIME-WAIT for one.'),
});
export type Tally = v.InferOutput<typeof Tally>;
