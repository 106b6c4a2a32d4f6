import {useApp, useInput, useWindowSize} from 'ink';
import {useEffect, useSyncExternalStore} from 'react';
import type {Answer} from '../questions/answer.ts';
import type {Question} from '../questions/question.ts';
import type {Outcome, Session} from '../session.ts';
import type {View} from '../views/view.ts';
import type {Effect} from './binding.ts';
import {commandOf, commandShown, type MakeCommand} from './command.ts';
import {dispatch} from './dispatch.ts';
import {keyNames} from './input.ts';
import {missingView} from './missing.ts';
import {shown} from './navigation.ts';
import {Over} from './screen.tsx';
import type {Store} from './store.ts';

export type AppProps = {
  readonly session: Session;
  readonly store: Store;
  readonly toView: (answer: Answer) => View;
  readonly colour: boolean;
  /** Makes the whole command out of a question's words, e.g. puts `hoptop --nodes …` before them. */
  readonly command: MakeCommand;
  readonly quit: () => void;
  /** Leaves the terminal to the shell, stops until it is brought back, and takes it again. */
  readonly suspend: (handOver: (stopped: () => Promise<void>) => Promise<void>) => void;
};

/** Joins session, keys and screen. It decides nothing: the reducer and the key table do. */
export function App({session, store, toView, colour, command, quit, suspend}: AppProps) {
  const {columns, rows} = useWindowSize();
  const {suspendTerminal} = useApp();
  const ui = useSyncExternalStore(store.subscribe, store.get);

  useEffect(() => store.send({type: 'resize', columns, rows}), [store, columns, rows]);
  useEffect(() => session.status(status => store.send({type: 'status', status})), [session, store]);
  useEffect(() => session.prompts(prompt => store.send({type: 'prompt', prompt})), [session, store]);

  const {question} = shown(ui.navigation);
  useEffect(
    () =>
      session.watch(question, outcome =>
        store.send({type: 'answered', question, view: viewOf(outcome, question, toView)}),
      ),
    [session, store, question, toView],
  );

  const evidence = ui.overlay?.kind === 'evidence' ? ui.overlay.list : undefined;
  useEffect(() => {
    if (!evidence) return undefined;
    return session.evidence(evidence, texts => {
      const {overlay} = store.get();
      if (overlay?.kind === 'evidence') store.send({type: 'overlay', overlay: {...overlay, texts}});
    });
  }, [session, store, evidence]);

  const typed = ui.overlay?.kind === 'palette' ? ui.overlay.text : undefined;
  useEffect(() => {
    if (typed === undefined) return undefined;
    return session.suggest(typed, completions => {
      const {overlay} = store.get();
      if (overlay?.kind !== 'palette' || overlay.text !== typed) return;
      const selected = Math.max(0, Math.min(overlay.selected, completions.length - 1));
      store.send({type: 'overlay', overlay: {...overlay, completions, completed: typed, selected}});
    });
  }, [session, store, typed]);

  const carryOut = (effect: Effect) => {
    switch (effect.do) {
      case 'ui':
        return store.send(effect.event);
      case 'act':
        return session.act(effect.act);
      case 'show-command': {
        const text = commandShown(store.get(), command);
        return store.send({type: 'overlay', overlay: {kind: 'command', top: 0, text}});
      }
      case 'quit':
        return quit();
      case 'suspend':
        return suspend(suspendTerminal);
    }
  };
  useInput((input, key) => {
    for (const name of keyNames(input, key)) dispatch(store.get(), name).forEach(carryOut);
  });

  return <Over ui={ui} colour={colour} command={command} />;
}

/** A View that cannot be made is said in its place: one bad answer must not take the others away. */
function viewOf(outcome: Outcome, question: Question, toView: (answer: Answer) => View): View {
  if ('missing' in outcome) return missingView(question, outcome.missing, outcome.suggestions);
  try {
    return toView(outcome.answer);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const said = `The answer to "${commandOf(question)}" cannot be drawn: ${reason}. Please report it with a recording.`;
    return missingView(question, said, []);
  }
}
