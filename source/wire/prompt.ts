/** Something that only the person at the terminal can answer. One at a time. */
export type Prompt = {
  readonly id: number;
  readonly title: string;
  readonly lines: readonly string[];
  readonly choices: readonly {readonly key: string; readonly label: string; readonly value: string}[];
};
