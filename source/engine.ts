/**
 * Answers questions about a world and keeps watched ones answered: the `Session` that the UI sees, in the thread
 * that has the data. What drives the world (live nodes, a recording) is a `Drive`, so the engine knows neither.
 */

import type {Drive} from './drive.ts';
import {evidenceText, rawText} from './evidence-text.ts';
import {factOf} from './facts/catalogue.ts';
import type {Evidence} from './facts/evidence.ts';
import {readerNamed} from './facts/fallbacks.ts';
import {buildGraph} from './model/build.ts';
import type {Graph} from './model/graph.ts';
import {ask, refreshes, suggest, wants} from './questions/catalogue.ts';
import type {Question} from './questions/question.ts';
import {type ReadBy, readBy} from './read-by.ts';
import type {EvidenceText, Outcome, Session, Status} from './session.ts';
import type {Prompt} from './wire/prompt.ts';
import type {World} from './world.ts';

/** Asks the person at the terminal; the headless one refuses everything. */
export type Prompts = {
  watch(show: (prompt: Prompt | undefined) => void): () => void;
  answer(id: number, value: string, text?: string): void;
};

export type Engine = Session & {
  ask(question: Question): Outcome;
  /** The readers that the evidence in an answer, as JSON, rests on. */
  readBy(json: object): readonly ReadBy[];
  graph(): Graph;
  /** Has the nodes read what a question wants beyond what is always read; `say` is told before anything is sent. */
  prepare(question: Question, say: (sentence: string) => void): Promise<void>;
  status(show: (status: Status) => void): () => void;
  /** To be called by the drive whenever the world or its own state changed; publishes at most ten times a second. */
  changed(): void;
};

/** Milliseconds between two publications: faster than a person reads, slow enough to cost nothing. */
const PACE = 100;

export function createEngine(drive: Drive, prompts: Prompts): Engine {
  const watches = new Set<() => void>();
  const statusShows = new Set<(status: Status) => void>();
  let graph: Graph | undefined;
  let graphOf: World | undefined;
  let graphAt = -1;
  let timer: NodeJS.Timeout | undefined;
  let last = 0;
  let closed = false;

  function currentGraph(): Graph {
    const world = drive.world();
    if (!graph || graphOf !== world || graphAt !== world.generation) {
      graph = buildGraph(
        new Map(
          world.nodes.map(({id, reach, snapshot, previous}) => [
            id,
            {
              snapshot,
              previous,
              state: reach.state,
              step: reach.step,
              cause: reach.cause,
              kubernetes: reach.kubernetes,
              since: reach.since ?? reach.at,
            },
          ]),
        ),
        drive.now(),
        world.cluster,
        evidence => rawText(evidence, world.evidence(evidence)),
        world.api,
      );
      graphOf = world;
      graphAt = world.generation;
    }
    return graph;
  }

  /** One question that fails must not take the session with it: what went wrong is said in the place of its answer. */
  function tryAnswer(question: Question): Outcome {
    try {
      return answer(question);
    } catch (fault) {
      return {missing: `This could not be answered because of a fault in hoptop: ${fault}.`, suggestions: []};
    }
  }

  function answer(question: Question): Outcome {
    const result = ask(currentGraph(), question);
    return 'missing' in result ? result : {answer: result};
  }

  function status(): Status {
    const world = drive.world();
    const [recording, player, notice] = [drive.recording(), drive.player(), drive.notice()];
    const api = world.apiStatus();
    return {
      source: drive.source,
      nodes: world.statuses(),
      ...(api ? {api} : {}),
      generation: world.generation,
      now: drive.now(),
      every: drive.every,
      paused: drive.paused(),
      ...(recording ? {recording} : {}),
      ...(player ? {player} : {}),
      ...(notice ? {notice} : {}),
    };
  }

  function publish(): void {
    timer = undefined;
    last = Date.now();
    const now = status();
    for (const show of statusShows) show(now);
    for (const refresh of watches) refresh();
  }

  /** A key was pressed: its effect is shown at once, and the next key sees it. */
  function hurry(): void {
    clearTimeout(timer);
    timer = closed ? undefined : setTimeout(publish, 0);
  }

  async function prepare(question: Question, say: (sentence: string) => void): Promise<void> {
    if (drive.fetch) await drive.fetch(wants(currentGraph(), question), say);
  }

  /** What a screen needs of the nodes: what it wants once, then what keeps it up to date, no more often than sweeps. */
  function keeper(question: Question): () => void {
    let isFirst = true;
    let busy = false;
    let asked = 0;
    return () => {
      if (!drive.fetch || busy || drive.paused() || Date.now() - asked < drive.every * 1000) return;
      const due = (isFirst ? wants : refreshes)(currentGraph(), question);
      if (due.length === 0 && refreshes(currentGraph(), question).length === 0) return;
      isFirst = false;
      busy = true;
      asked = Date.now();
      void drive
        .fetch(due, () => {})
        .finally(() => {
          busy = false;
        });
    };
  }

  return {
    graph: currentGraph,
    ask: answer,
    readBy: json => readBy(json, drive.world().evidence),
    prepare,
    watch(question, show) {
      const keep = keeper(question);
      let shownWorld: World | undefined;
      let shownAt = -1;
      const refresh = () => {
        const world = drive.world();
        if (shownWorld === world && shownAt === world.generation) return;
        shownWorld = world;
        shownAt = world.generation;
        show(tryAnswer(question));
        keep();
      };
      watches.add(refresh);
      refresh();
      return () => watches.delete(refresh);
    },
    status(show) {
      statusShows.add(show);
      show(status());
      return () => statusShows.delete(show);
    },
    prompts: show => prompts.watch(show),
    evidence(list: readonly Evidence[], show: (texts: readonly EvidenceText[]) => void) {
      const world = drive.world();
      show(
        list.map(evidence => {
          const [fact, reply] = [factOf(evidence.fact), world.evidence(evidence)];
          return evidenceText(evidence, reply, fact && readerNamed(fact, reply?.reader ?? ''));
        }),
      );
      return () => {};
    },
    suggest(text, show) {
      show(suggest(currentGraph(), text));
      return () => {};
    },
    act(act) {
      if (act.do === 'answer-prompt') prompts.answer(act.id, act.value, act.text);
      else if (drive.act(act)) hurry();
    },
    changed() {
      if (closed || timer) return;
      timer = setTimeout(publish, Math.max(0, last + PACE - Date.now()));
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await drive.close();
    },
  };
}
