/**
 * Asks the person at the terminal one thing at a time. Several nodes may want to know something at once; their
 * questions wait in line. Without a person (a command that prints and exits) nothing is ever asked: `headless`.
 */
import type {Prompt} from './prompt.ts';

/** `about`: what kind of question it is, and of whom: a person can take all of a kind back at once. */
export type PromptText = Omit<Prompt, 'id'> & {readonly about?: {readonly kind: string; readonly of: string}};

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
  /**
   * Like `ask`, for texts to type: all of `prompts` in one turn, one after the other, so that nobody else's question
   * comes between them. `undefined` also when the person cancels one.
   */
  askTexts(
    prompts: readonly PromptText[],
    signal: AbortSignal,
    settled?: () => Promise<Typed | undefined>,
  ): Promise<Typed | undefined>;
};

/** What was typed for each prompt, and the choice that the last one was left with. */
export type Typed = {readonly texts: readonly string[]; readonly value: string};

/** The value of the choice that takes a question back. */
export const CANCEL = 'cancel';
/** The value of the choice that takes back every question of its kind, of each asker once: who asks again is heard. */
export const CANCEL_ALL = 'cancel-all';

/** The prompter of commands that print: it asks nobody. */
export const headless: Prompter = {
  canAsk: false,
  ask: async () => undefined,
  askTexts: async () => undefined,
};

export type AskingPrompter = Prompter & {
  /** Calls `show` now and whenever the question on screen changes (`undefined`: none), until the returned stop. */
  prompts(show: (prompt: Prompt | undefined) => void): () => void;
  /** Answers the question on screen; an id that is not on screen any more is ignored. `text`: what was typed. */
  answer(id: number, value: string, text?: string): void;
};

/** A prompter for a terminal UI: it shows through `prompts` and hears through `answer`. */
export function createPrompter(): AskingPrompter {
  const watchers = new Set<(prompt: Prompt | undefined) => void>();
  /** By kind of question: whose was taken back. */
  const declined = new Map<string, Set<string>>();
  let line: Promise<unknown> = Promise.resolve();
  let lastId = 0;
  let current: {readonly prompt: Prompt; readonly finish: (given: Given | undefined) => void} | undefined;

  const put = (next: typeof current) => {
    current = next;
    for (const show of watchers) show(current?.prompt);
  };

  /** Somebody whose question was taken back and who asks again was sent by the person: the kind is open again. */
  const isDeclined = (about: PromptText['about']): boolean => {
    const of = about && declined.get(about.kind);
    if (!about || !of) return false;
    if (of.has(about.of)) return !declined.delete(about.kind);
    of.add(about.of);
    return true;
  };

  const show = ({about, ...text}: PromptText, signal: AbortSignal) =>
    new Promise<Given | undefined>(resolve => {
      const finish = (given: Given | undefined) => {
        if (about && given?.value === CANCEL_ALL) declined.set(about.kind, new Set([about.of]));
        signal.removeEventListener('abort', abandon);
        put(undefined);
        resolve(given);
      };
      const abandon = () => finish(undefined);
      signal.addEventListener('abort', abandon, {once: true});
      lastId += 1;
      put({prompt: {id: lastId, ...text}, finish});
    });

  /** Waits in line. `settled` may have the answer by then. */
  const inTurn = <T>(
    about: PromptText['about'],
    signal: AbortSignal,
    settled: (() => Promise<T | undefined>) | undefined,
    run: () => Promise<T | undefined>,
  ) => {
    const turn = line.then(async () => {
      if (signal.aborted) return undefined;
      const known = await settled?.();
      if (known !== undefined || signal.aborted || isDeclined(about)) return known;
      return run();
    });
    line = turn.catch(() => undefined);
    return turn;
  };

  return {
    canAsk: true,
    ask: (text, signal, settled) =>
      inTurn(text.about, signal, settled, async () => (await show(text, signal))?.value),
    askTexts: (prompts, signal, settled) =>
      inTurn(prompts[0]?.about, signal, settled, async () => {
        const texts: string[] = [];
        let value = '';
        for (const prompt of prompts) {
          if (signal.aborted) return undefined;
          const given = await show(prompt, signal);
          if (given === undefined || given.value === CANCEL || given.value === CANCEL_ALL) return undefined;
          texts.push(given.text);
          value = given.value;
        }
        return {texts, value};
      }),
    prompts(watcher) {
      watchers.add(watcher);
      watcher(current?.prompt);
      return () => watchers.delete(watcher);
    },
    answer(id, value, text = '') {
      if (current?.prompt.id !== id) return;
      if (current.prompt.choices.some(choice => choice.value === value)) current.finish({value, text});
    },
  };
}

type Given = {readonly value: string; readonly text: string};
