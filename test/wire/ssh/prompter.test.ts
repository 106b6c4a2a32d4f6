import {expect, test} from 'vitest';
import type {Prompt} from '../../../source/wire/prompt.ts';
import {CANCEL, createPrompter, headless, type PromptText} from '../../../source/wire/prompter.ts';

const never = new AbortController().signal;
const ask = (title: string): PromptText => ({
  title,
  lines: [],
  choices: [
    {key: 'y', label: 'yes', value: 'yes'},
    {key: 'n', label: 'no', value: 'no'},
  ],
});
const turn = () => new Promise(resolve => setImmediate(resolve));

test('headless asks nobody', async () => {
  expect(headless.canAsk).toBe(false);
  expect(await headless.ask(ask('a'), never)).toBeUndefined();
});

test('one question at a time, in order', async () => {
  const prompter = createPrompter();
  const seen: (string | undefined)[] = [];
  let now: Prompt | undefined;
  prompter.prompts(prompt => {
    now = prompt;
    seen.push(prompt?.title);
  });
  const first = prompter.ask(ask('first'), never);
  const second = prompter.ask(ask('second'), never);
  await turn();
  const before = now!.id;
  prompter.answer(before, 'perhaps');
  expect(now!.title).toBe('first');
  prompter.answer(before, 'yes');
  await turn();
  prompter.answer(before, 'yes');
  expect(now!.title).toBe('second');
  prompter.answer(now!.id, 'no');
  expect(await Promise.all([first, second])).toEqual(['yes', 'no']);
  expect(seen).toEqual([undefined, 'first', undefined, 'second', undefined]);
});

test('a question is withdrawn when its asker gives up, shown or waiting', async () => {
  const prompter = createPrompter();
  let now: Prompt | undefined;
  prompter.prompts(prompt => {
    now = prompt;
  });
  const stop = new AbortController();
  const shown = prompter.ask(ask('shown'), stop.signal);
  const waiting = prompter.ask(ask('waiting'), stop.signal);
  const other = prompter.ask(ask('other'), never);
  await turn();
  expect(now?.title).toBe('shown');
  stop.abort();
  expect(await shown).toBeUndefined();
  expect(await waiting).toBeUndefined();
  await turn();
  expect(now?.title).toBe('other');
  prompter.answer(now!.id, 'yes');
  expect(await other).toBe('yes');
});

test('an answer may settle a question that still waits', async () => {
  const prompter = createPrompter();
  let now: Prompt | undefined;
  prompter.prompts(prompt => {
    now = prompt;
  });
  let known: string | undefined;
  const first = prompter.ask(ask('first'), never);
  const same = prompter.ask(ask('same'), never, async () => known);
  await turn();
  known = 'yes';
  prompter.answer(now!.id, 'yes');
  expect(await Promise.all([first, same])).toEqual(['yes', 'yes']);
  expect(now).toBeUndefined();
});

const texts = (...titles: string[]): PromptText[] =>
  titles.map(title => ({
    title,
    lines: [],
    input: {label: title, masked: true},
    choices: [
      {key: 'Enter', label: 'this one', value: 'once'},
      {key: 'Tab', label: 'all', value: 'all'},
      {key: 'Esc', label: 'cancel', value: CANCEL},
    ],
  }));

test('texts are asked for in one turn, and cancelling one takes all back', async () => {
  const prompter = createPrompter();
  let now: Prompt | undefined;
  const seen: (string | undefined)[] = [];
  prompter.prompts(prompt => {
    now = prompt;
    if (prompt) seen.push(prompt.title);
  });
  const both = prompter.askTexts(texts('password', 'code'), never);
  const later = prompter.askTexts(texts('other', 'second'), never);
  await turn();
  prompter.answer(now!.id, 'once', 'pw');
  await turn();
  prompter.answer(now!.id, 'all', '123');
  expect(await both).toEqual({texts: ['pw', '123'], value: 'all'});
  await turn();
  prompter.answer(now!.id, CANCEL, 'half typed');
  expect(await later).toBeUndefined();
  expect(seen).toEqual(['password', 'code', 'other']);
  expect(now).toBeUndefined();
  expect(await headless.askTexts(texts('a'), never)).toBeUndefined();
});
