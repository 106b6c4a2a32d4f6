/**
 * Cuts a byte stream of a node into marks and what stands between them.
 *
 * A mark is `NONCE WORD … \n`. The nonce is random for each session and no command on the node can know it, so a mark
 * is found by the nonce alone: what a command prints is never interpreted, whatever it looks like.
 */

export type FrameSink = {
  /** Bytes between marks, in pieces that may alias the chunk. */
  body(bytes: Uint8Array): void;
  /** The words after the nonce. */
  mark(words: readonly string[]): void;
};

/** A line that goes on longer than this is no mark of ours. */
const markLimit = 256;

const none = Buffer.alloc(0);

/** Feeds chunks of one stream, cut anywhere, to a sink. Never throws; a nonce with no mark after it is body. */
export function createSplitter(nonce: string, sink: FrameSink): (chunk: Uint8Array) => void {
  const key = Buffer.from(nonce, 'latin1');
  let held: Buffer = none;
  return chunk => {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = held.length > 0 ? Buffer.concat([held, view]) : view;
    held = none;
    let from = 0;
    let search = 0;
    while (from < bytes.length) {
      const at = bytes.indexOf(key, search);
      if (at < 0) {
        const keep = tail(bytes, from, key);
        if (keep > from) sink.body(bytes.subarray(from, keep));
        held = Buffer.from(bytes.subarray(keep));
        return;
      }
      const end = bytes.subarray(0, at + markLimit).indexOf(10, at + key.length);
      if (end < 0 && bytes.length < at + markLimit) {
        if (at > from) sink.body(bytes.subarray(from, at));
        held = Buffer.from(bytes.subarray(at));
        return;
      }
      if (end < 0 || bytes[at + key.length] !== 32) {
        search = at + 1;
        continue;
      }
      if (at > from) sink.body(bytes.subarray(from, at));
      sink.mark(bytes.toString('latin1', at + key.length + 1, end).split(' '));
      from = end + 1;
      search = from;
    }
  };
}

/** Where the part at the end begins that could become the nonce when more bytes come. */
function tail(bytes: Buffer, from: number, key: Buffer): number {
  for (let at = Math.max(from, bytes.length - key.length + 1); at < bytes.length; at++) {
    if (bytes[at] === key[0] && key.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return at;
  }
  return bytes.length;
}
