/** ssh_config(5), PATTERNS. Pure; linear in practice, no regular expression. */

/** `*` is any run of characters, `?` exactly one. Case counts. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** Whether one of `patterns` matches and none of the negated ones (`!…`) does. */
export function listMatches(patterns: readonly string[], text: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!globMatches(negated ? pattern.slice(1) : pattern, text)) continue;
    // A negated pattern that matches throws the line out, whatever else is on it.
    if (negated) return false;
    matched = true;
  }
  return matched;
}
