/** Something that only the person at the terminal can answer. One at a time. */
export type Prompt = {
  readonly id: number;
  readonly title: string;
  readonly lines: readonly string[];
  /** A line to type. What is masked is a secret: it is never shown, kept in a recording or logged. */
  readonly input?: {readonly label: string; readonly masked: boolean};
  /** Where there is something to type, keys are names like `Enter`, `Tab` and `Esc`: letters are text. */
  readonly choices: readonly {readonly key: string; readonly label: string; readonly value: string}[];
};
