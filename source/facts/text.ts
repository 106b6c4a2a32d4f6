/**
 * Control characters (C0, DEL, C1), bidirectional controls, invisible format characters and line separators: what a
 * hostile name could use to move the cursor, recolour the screen, or read otherwise than it is.
 */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** Text that came from a node, safe for a terminal: each unsafe character becomes `�`, a tab or newline a space. */
export function sanitise(text: string): string {
  return text.replace(UNSAFE, char => (char === '\t' || char === '\n' ? ' ' : '\ufffd'));
}

/** JSON text with the same characters escaped, which means the same to every reader and nothing to a terminal. */
export function safeJson(json: string): string {
  return json.replace(UNSAFE, char =>
    char === '\n' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
