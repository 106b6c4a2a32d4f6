/**
 * A `Session` across a thread: `serve` stands in the worker beside the engine, `connect` gives the drawing thread a
 * `Session` that looks the same. Only structured-cloneable values cross; large columns are shared, not copied.
 */
import type {MessagePort, Worker} from 'node:worker_threads';
import type {Evidence} from './facts/evidence.ts';
import type {Question} from './questions/question.ts';
import type {Act, EvidenceText, Outcome, Session, Status} from './session.ts';
import type {Prompt} from './wire/prompt.ts';

type ToEngine =
  | {readonly kind: 'watch'; readonly id: number; readonly question: Question}
  | {readonly kind: 'evidence'; readonly id: number; readonly list: readonly Evidence[]}
  | {readonly kind: 'suggest'; readonly id: number; readonly text: string}
  | {readonly kind: 'stop'; readonly id: number}
  | {readonly kind: 'act'; readonly act: Act}
  | {readonly kind: 'close'};

type ToScreen =
  | {readonly kind: 'outcome'; readonly id: number; readonly outcome: Outcome}
  | {readonly kind: 'evidence'; readonly id: number; readonly text: readonly EvidenceText[]}
  | {readonly kind: 'suggestions'; readonly id: number; readonly names: readonly string[]}
  | {readonly kind: 'status'; readonly status: Status}
  | {readonly kind: 'prompt'; readonly prompt: Prompt | undefined}
  | {readonly kind: 'closed'};

/** Answers what the other side asks from `session`, until it is told to close. */
export function serve(port: MessagePort, session: Session): void {
  const say = (message: ToScreen) => port.postMessage(message);
  const stops = new Map<number, () => void>();
  session.status(status => say({kind: 'status', status}));
  session.prompts(prompt => say({kind: 'prompt', prompt}));
  port.on('message', async (message: ToEngine) => {
    switch (message.kind) {
      case 'watch':
        stops.set(
          message.id,
          session.watch(message.question, outcome => say({kind: 'outcome', id: message.id, outcome})),
        );
        break;
      case 'evidence':
        stops.set(
          message.id,
          session.evidence(message.list, text => say({kind: 'evidence', id: message.id, text})),
        );
        break;
      case 'suggest':
        stops.set(
          message.id,
          session.suggest(message.text, names => say({kind: 'suggestions', id: message.id, names})),
        );
        break;
      case 'stop':
        stops.get(message.id)?.();
        stops.delete(message.id);
        break;
      case 'act':
        session.act(message.act);
        break;
      case 'close':
        await session.close();
        say({kind: 'closed'});
        port.close();
    }
  });
}

/** The drawing thread's end. `worker` is told to close when the session is closed. */
export function connect(worker: Worker): Session {
  const say = (message: ToEngine) => worker.postMessage(message);
  const shows = new Map<number, (message: ToScreen) => void>();
  const statusShows = new Set<(status: Status) => void>();
  const promptShows = new Set<(prompt: Prompt | undefined) => void>();
  let status: Status | undefined;
  let prompt: Prompt | undefined;
  let next = 1;
  let closed: () => void = () => {};

  worker.on('message', (message: ToScreen) => {
    switch (message.kind) {
      case 'status':
        status = message.status;
        for (const show of statusShows) show(message.status);
        break;
      case 'prompt':
        prompt = message.prompt;
        for (const show of promptShows) show(message.prompt);
        break;
      case 'closed':
        closed();
        break;
      default:
        shows.get(message.id)?.(message);
    }
  });

  /** Starts something that answers under an id until it is stopped. */
  function begin(start: (id: number) => ToEngine, show: (message: ToScreen) => void): () => void {
    const id = next++;
    shows.set(id, show);
    say(start(id));
    return () => {
      shows.delete(id);
      say({kind: 'stop', id});
    };
  }

  return {
    watch: (question, show) =>
      begin(
        id => ({kind: 'watch', id, question}),
        message => message.kind === 'outcome' && show(message.outcome),
      ),
    evidence: (list, show) =>
      begin(
        id => ({kind: 'evidence', id, list}),
        message => message.kind === 'evidence' && show(message.text),
      ),
    suggest: (text, show) =>
      begin(
        id => ({kind: 'suggest', id, text}),
        message => message.kind === 'suggestions' && show(message.names),
      ),
    status(show) {
      statusShows.add(show);
      if (status) show(status);
      return () => statusShows.delete(show);
    },
    prompts(show) {
      promptShows.add(show);
      show(prompt);
      return () => promptShows.delete(show);
    },
    act: act => say({kind: 'act', act}),
    close: () =>
      new Promise<void>(resolve => {
        // A worker that hangs must not keep the terminal: give it a second, then end it.
        const impatient = setTimeout(() => void worker.terminate().then(() => resolve()), 1000);
        closed = () => {
          clearTimeout(impatient);
          void worker.terminate().then(() => resolve());
        };
        say({kind: 'close'});
      }),
  };
}
