import type {Evidence} from './facts/evidence.ts';
import {sanitise} from './facts/text.ts';
import type {EvidenceText} from './session.ts';
import type {Reader, Reply} from './wire/source.ts';

/** At most so much of a statement's raw text is shown; a JSON element of `ip` is about 1 KB. */
const MOST_BYTES = 4096;
const decoder = new TextDecoder();

/** What a statement stands on, as text that is safe to show. `reply` is undefined when it is no longer held. */
export function evidenceText(
  evidence: Evidence,
  reply: Reply | undefined,
  reader: Reader | undefined,
): EvidenceText {
  const where = evidence.netns === undefined ? evidence.node : `${evidence.node}, netns ${evidence.netns}`;
  const command = reader
    ? reader.stdin
      ? `${reader.command} <<< ${JSON.stringify(reader.stdin)}`
      : reader.command
    : evidence.fact;
  if (!reply) {
    return {
      title: `${where}: ${evidence.fact}, sweep ${evidence.sweep}`,
      command,
      lines: [
        'These bytes are no longer held: a newer sweep has replaced them. The next answer has its own evidence.',
      ],
    };
  }
  const to = Math.min(evidence.to, evidence.from + MOST_BYTES);
  const text = decoder.decode(reply.out.subarray(evidence.from, to));
  const lines = text.split('\n').map(line => sanitise(line.trimEnd()));
  if (to < evidence.to) lines.push(`… and ${evidence.to - to} bytes more`);
  return {
    title: reply.same
      ? `${where}: ${evidence.fact}, read ${reply.same}; nothing moved there up to sweep ${reply.sweep}, ${reply.at}`
      : `${where}: ${evidence.fact}, sweep ${reply.sweep}, ${reply.at}, took ${reply.ms} ms, exit ${reply.exit}`,
    command,
    lines,
  };
}
