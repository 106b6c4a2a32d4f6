import type {Question} from '../questions/question.ts';
import {startUi, type Ui, type UiEvent, update} from './state.ts';

/** Holds the one state. Keys that arrive together each see what the one before them did, which `useReducer` cannot do. */
export type Store = {
  get(): Ui;
  send(event: UiEvent): void;
  subscribe(changed: () => void): () => void;
};

export function makeStore(question: Question, columns: number, rows: number): Store {
  let ui = startUi(question, columns, rows);
  const listeners = new Set<() => void>();
  return {
    get: () => ui,
    send(event) {
      const next = update(ui, event);
      if (next === ui) return;
      ui = next;
      for (const changed of listeners) changed();
    },
    subscribe(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
  };
}
