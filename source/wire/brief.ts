const MOST = 1500;

/** A sentence for a person may quote what a file or a server said: so much of it is shown, from both of its ends. */
export function brief(sentence: string): string {
  if (sentence.length <= MOST) return sentence;
  return `${sentence.slice(0, MOST - 500)} […] ${sentence.slice(-480)}`;
}
