import type {Answer} from '../../source/questions/answer.ts';
import type {Question} from '../../source/questions/question.ts';
import type {Act, EvidenceText, Outcome, Session, Status} from '../../source/session.ts';
import {commandOf} from '../../source/ui/command.ts';
import type {View} from '../../source/views/view.ts';
import type {Prompt} from '../../source/wire/prompt.ts';

/** A view, or what the session says of a question that has no answer; absent: not answered yet. */
export type Script = Readonly<
  Record<string, View | {readonly missing: string; readonly suggestions: readonly string[]}>
>;

export type FakeSession = Session & {
  /** Everything the UI asked to be done, in order. */
  readonly acts: Act[];
  readonly toView: (answer: Answer) => View;
  /** Replaces what questions are answered with, and publishes the next generation. */
  publish(script: Script): void;
  setStatus(change: Partial<Status>): void;
  setPrompt(prompt: Prompt | undefined): void;
  readonly watched: () => readonly string[];
};

/** A session in place, over hand-made views by command (`pod shop/web-1`). It answers at once. */
export function fakeSession(
  first: Script,
  status: Status,
  evidence: readonly EvidenceText[] = [],
): FakeSession {
  let script = first;
  let current = status;
  let prompt: Prompt | undefined;
  const acts: Act[] = [];
  const watchers = new Set<{question: Question; show: (outcome: Outcome) => void}>();
  const statusShows = new Set<(status: Status) => void>();
  const promptShows = new Set<(prompt: Prompt | undefined) => void>();
  const answer = (question: Question, show: (outcome: Outcome) => void) => {
    const found = script[commandOf(question)];
    if (!found) return;
    show('missing' in found ? found : {answer: {question, at: current.now, gaps: []} as unknown as Answer});
  };
  return {
    acts,
    toView: ({question}) => script[commandOf(question)] as View,
    publish(next) {
      script = next;
      for (const {question, show} of [...watchers]) answer(question, show);
    },
    setStatus(change) {
      current = {...current, ...change};
      for (const show of statusShows) show(current);
    },
    setPrompt(next) {
      prompt = next;
      for (const show of promptShows) show(prompt);
    },
    watched: () => [...watchers].map(({question}) => commandOf(question)),
    watch(question, show) {
      const watcher = {question, show};
      watchers.add(watcher);
      answer(question, show);
      return () => void watchers.delete(watcher);
    },
    status(show) {
      statusShows.add(show);
      show(current);
      return () => void statusShows.delete(show);
    },
    prompts(show) {
      promptShows.add(show);
      show(prompt);
      return () => void promptShows.delete(show);
    },
    evidence(_, show) {
      show(evidence);
      return () => {};
    },
    suggest(text, show) {
      show(Object.keys(script).filter(command => command.includes(text.trim())));
      return () => {};
    },
    act(act) {
      acts.push(act);
      if (act.do === 'answer-prompt') this.setPrompt(undefined);
      if (act.do === 'pause') this.setStatus({paused: act.paused});
    },
    close: async () => {},
  };
}
