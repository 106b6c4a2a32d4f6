/**
 * What only the person knows: passphrases, passwords, one-time codes. Asked for one at a time, masked, and held in
 * memory only where the person said that the answer is for every node. Never written anywhere.
 */
import {CANCEL, CANCEL_ALL, type Prompter, type PromptText} from '../prompter.ts';
import type {ParsedKey} from './library.ts';

export type Request = {
  readonly title: string;
  readonly lines: readonly string[];
  readonly inputs: readonly {readonly label: string; readonly masked: boolean}[];
  /** What an answer for every node is an answer to. */
  readonly covers: string;
  /** The choice that gives it, in words. */
  readonly all: string;
  /** Who asks, and what all such questions are called; without it, this one can only be cancelled by itself. */
  readonly about?: PromptText['about'];
};

/** `undefined`: nobody is there, or the person cancelled. `failed` are answers that were refused already. */
export type Ask = (
  request: Request,
  failed: readonly (readonly string[])[],
) => Promise<readonly string[] | undefined>;

export type Secrets = {
  readonly canAsk: boolean;
  ask(
    request: Request,
    failed: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<readonly string[] | undefined>;
  /** Whether an answer for every node is held. */
  holds(covers: string): boolean;
  /** Drops an answer that was refused; a better one that was given meanwhile stays. */
  forget(covers: string, refused: readonly string[]): void;
  /** Encrypted keys that were unlocked for every node, by their file. */
  readonly keys: Map<string, ParsedKey>;
};

export function createSecrets(prompter: Prompter): Secrets {
  const held = new Map<string, readonly string[]>();
  return {
    canAsk: prompter.canAsk,
    keys: new Map(),
    holds: covers => held.has(covers),
    forget(covers, refused) {
      const texts = held.get(covers);
      if (texts && same(texts, refused)) held.delete(covers);
    },
    async ask({title, lines, inputs, covers, all, about}, failed, signal) {
      /** An answer that the person has given meanwhile, unless it is one that was refused here. */
      const given = () => {
        const texts = held.get(covers);
        return texts && !failed.some(other => same(other, texts)) ? texts : undefined;
      };
      const known = given();
      if (known) return known;
      const prompts = inputs.map(
        (input, n): PromptText => ({
          title,
          lines: [...(failed.length > 0 ? ['What was given before was not accepted.'] : []), ...lines],
          input,
          choices: [
            {key: 'Enter', label: n < inputs.length - 1 ? 'next' : 'use it here', value: 'once'},
            ...(n < inputs.length - 1 ? [] : [{key: 'Tab', label: all, value: 'all'}]),
            {key: 'Esc', label: 'cancel', value: CANCEL},
            ...(about
              ? [
                  {
                    key: 'Shift-Tab',
                    label: 'cancel, for every node',
                    value: CANCEL_ALL,
                  },
                ]
              : []),
          ],
          ...(about ? {about} : {}),
        }),
      );
      const settled = async () => {
        const texts = given();
        return texts && {texts, value: 'once'};
      };
      const typed = await prompter.askTexts(prompts, signal, settled);
      if (typed?.value === 'all') held.set(covers, typed.texts);
      return typed?.texts;
    },
  };
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, n) => text === b[n]);
}
