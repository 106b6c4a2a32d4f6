import {lineEnd} from '../lines.ts';
import type {FoundPiece} from '../pieces.ts';
import {canonical} from '../prefix.ts';

const LF = 10;
/** As the section of one namespace, in the form of the reader's own answer. */
const HEAD = '! tool\n@ host 00000000 all\n';
/** The tool's last words, on standard error (conntrack-tools 1.4.7). */
const SUMMARY = /conntrack v[\d.]+ \(conntrack-tools\): \d+ flow entries have been shown\.$/;

/**
 * What was pasted, in the reader's own form, as the table of the node's own namespace: of several outputs (IPv4 and
 * IPv6, the file and the tool, one a moment later) each connection once, as the first of them has it. Each line is where
 * it was in the reply, so that it can be shown.
 */
export function joinPasted(pieces: readonly FoundPiece[]): Uint8Array {
  const [first] = pieces;
  const last = pieces.at(-1);
  if (!first || !last) return new Uint8Array();
  // What announces the first piece is longer than the head.
  const out = Buffer.alloc(last.from + last.out.length, LF);
  out.write(HEAD, first.from - HEAD.length, 'latin1');
  const seen = new Set<string>();
  for (const {out: piece, from} of pieces) {
    out.set(piece, from);
    mend(out, from, from + piece.length);
    if (pieces.length > 1) dropSeen(out, from, from + piece.length, seen);
  }
  return new Uint8Array(out);
}

/**
 * Takes the tool's standard error out, where it was captured together with its output: it stands in the middle of a
 * line, where a buffer happened to be full, and the next line goes on: `ipv4     2 tcconntrack v1.4.7 (conntrack-tools):
 * 93 flow entries have been shown.`, then `p      6 …`. The line's beginning is moved to the rest of it.
 */
function mend(out: Buffer, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const end = Math.min(lineEnd(out, at), to);
    const line = out.toString('latin1', at, Math.min(end, at + 400));
    const summary = SUMMARY.exec(line);
    if (summary) {
      const begun = Buffer.from(out.subarray(at, at + summary.index));
      out.fill(LF, at, Math.min(end + 1, to));
      if (begun.length > 0 && end + 1 < to) begun.copy(out, end + 1 - begun.length);
      else begun.copy(out, at);
    }
    at = end + 1;
  }
}

/** Takes out what an earlier output has: connections are told apart by protocol, zone and both directions. */
function dropSeen(out: Buffer, from: number, to: number, seen: Set<string>): void {
  for (let at = from; at < to; ) {
    const end = Math.min(lineEnd(out, at), to);
    const key = keyOf(out.toString('latin1', at, end));
    if (key !== undefined) {
      if (seen.has(key)) out.fill(LF, at, end);
      else seen.add(key);
    }
    at = end + 1;
  }
}

function keyOf(line: string): string | undefined {
  const words = line.trim().split(/ +/);
  const protocol = /^ipv[46]$/.test(words[0]!) ? words[2] : words[0];
  const tuple = words.filter(
    word => /^(src|dst|sport|dport|type|code|id|zone)=/.test(word) && word !== 'zone=0',
  );
  if (tuple.length < 4) return undefined;
  const ends = tuple.map(word => (word.includes(':') ? (canonical(word.slice(4)) ?? word) : word));
  return [protocol, ...ends].join(' ');
}
