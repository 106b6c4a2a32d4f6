import type {Evidence} from './facts/evidence.ts';
import {PASTED, piecesOf} from './facts/pieces.ts';
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
  const command = reader ? commandOf(reader, evidence, reply) : evidence.fact;
  if (!reply) {
    return {
      title: `${where}: ${evidence.fact}, sweep ${evidence.sweep}`,
      command,
      lines: [
        'These bytes are no longer held: a newer sweep has replaced them. The next answer has its own evidence.',
      ],
    };
  }
  if (reply.reader === PASTED) return pastedText(evidence, reply, where);
  const lines = rawLines(evidence, reply);
  return {
    title: reply.same
      ? `${where}: ${evidence.fact}, read ${reply.same}; nothing moved there up to sweep ${reply.sweep}, ${reply.at}`
      : `${where}: ${evidence.fact}, sweep ${reply.sweep}, ${reply.at}, took ${reply.ms} ms, exit ${reply.exit}`,
    command,
    lines,
  };
}

/** What was run for these bytes: of a reader with several commands, the one that stands before them. */
function commandOf({command, stdin, also}: Reader, {from}: Evidence, reply: Reply | undefined): string {
  if (stdin !== undefined) return `${command} <<< ${JSON.stringify(stdin)}`;
  if (also === undefined || reply === undefined) return command;
  const before = decoder.decode(reply.out.subarray(0, from));
  return (
    [...before.matchAll(/^# (.+)$/gm)]
      .map(([, said]) => said!)
      .findLast(said => said === command || also.includes(said)) ?? command
  );
}

function rawLines({from, to: end}: Evidence, {out}: Reply): string[] {
  const to = Math.min(end, from + MOST_BYTES);
  const lines = decoder
    .decode(out.subarray(from, to))
    .split('\n')
    .map(line => sanitise(line.trimEnd()));
  if (to < end) lines.push(`… and ${end - to} bytes more`);
  return lines;
}

/** What a person pasted: the file, the line of it, and the command where the paste tells it. */
function pastedText(evidence: Evidence, reply: Reply, where: string): EvidenceText {
  const piece = piecesOf(reply).findLast(({from}) => from <= evidence.from);
  const before = piece ? reply.out.subarray(piece.from, evidence.from) : new Uint8Array();
  const line = (piece?.line ?? 1) + before.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
  const file = piece?.file ?? 'a file';
  return {
    title: sanitise(`${where}: ${evidence.fact}, pasted in ${file}, line ${line}, ${piece?.at ?? reply.at}`),
    command: sanitise(piece?.command ?? `(pasted: ${file})`),
    lines: rawLines(evidence, reply),
  };
}

/** The text itself, not made safe: to be parsed. Undefined when its reply is no longer held. */
export function rawText({from, to}: Evidence, reply: Reply | undefined): string | undefined {
  return reply && decoder.decode(reply.out.subarray(from, Math.min(to, from + MOST_BYTES)));
}
