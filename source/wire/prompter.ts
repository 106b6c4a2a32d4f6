/**
 * Asks the person at the terminal one thing at a time. Several nodes may want to know something at once; their
 * questions wait in line. Without a person (a command that prints and exits) nothing is ever asked: `headless`.
 */
import type {Prompt} from './prompt.ts';

export type PromptText = Omit<Prompt, 'id'>;

export type Prompter = {
  /** False when nobody is there: `ask` then answers `undefined` at once. */
  readonly canAsk: boolean;
  /**
   * Waits its turn, asks, and resolves with the `value` of the chosen choice; `undefined` when nobody can answer or
   * `signal` was aborted. `settled` is called when its turn comes: a value from it means that an answer given
   * meanwhile to another question covers this one too, and nothing is asked.
   */
  ask(
    text: PromptText,
    signal: AbortSignal,
    settled?: () => Promise<string | undefined>,
  ): Promise<string | undefined>;
};

/** The prompter of commands that print: it asks nobody. */
export const headless: Prompter = {canAsk: false, ask: async () => undefined};

export type AskingPrompter = Prompter & {
  /** Calls `show` now and whenever the question on screen changes (`undefined`: none), until the returned stop. */
  prompts(show: (prompt: Prompt | undefined) => void): () => void;
  /** Answers the question on screen; an id that is not on screen any more is ignored. */
  answer(id: number, value: string): void;
};

/** A prompter for a terminal UI: it shows through `prompts` and hears through `answer`. */
export function createPrompter(): AskingPrompter {
  const watchers = new Set<(prompt: Prompt | undefined) => void>();
  let line: Promise<unknown> = Promise.resolve();
  let lastId = 0;
  let current: {readonly prompt: Prompt; readonly finish: (value: string | undefined) => void} | undefined;

  const put = (next: typeof current) => {
    current = next;
    for (const show of watchers) show(current?.prompt);
  };

  const show = (text: PromptText, signal: AbortSignal) =>
    new Promise<string | undefined>(resolve => {
      const finish = (value: string | undefined) => {
        signal.removeEventListener('abort', abandon);
        put(undefined);
        resolve(value);
      };
      const abandon = () => finish(undefined);
      signal.addEventListener('abort', abandon, {once: true});
      lastId += 1;
      put({prompt: {id: lastId, ...text}, finish});
    });

  return {
    canAsk: true,
    ask(text, signal, settled) {
      const turn = line.then(async () => {
        if (signal.aborted) return undefined;
        const known = await settled?.();
        if (known !== undefined || signal.aborted) return known;
        return show(text, signal);
      });
      line = turn.catch(() => undefined);
      return turn;
    },
    prompts(watcher) {
      watchers.add(watcher);
      watcher(current?.prompt);
      return () => watchers.delete(watcher);
    },
    answer(id, value) {
      if (current?.prompt.id !== id) return;
      if (current.prompt.choices.some(choice => choice.value === value)) current.finish(value);
    },
  };
}
