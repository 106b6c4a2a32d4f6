/** A whole recording of a cluster with one reply of it changed: from its bytes to every answer as it would be printed. */

import {assemble} from '../../source/cli/import/assemble.ts';
import {FACTS} from '../../source/facts/catalogue.ts';
import {CLUSTER_FACTS} from '../../source/facts/cluster.ts';
import {safeJson} from '../../source/facts/text.ts';
import {buildGraph} from '../../source/model/build.ts';
import type {Graph} from '../../source/model/graph.ts';
import {ask} from '../../source/questions/catalogue.ts';
import {toJson} from '../../source/questions/json.ts';
import type {Question} from '../../source/questions/question.ts';
import {makeFilter} from '../../source/ui/filter.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {openRecording} from '../../source/wire/recording/reader.ts';
import {eventsOf} from '../../source/wire/recording/world.ts';
import type {SourceEvent} from '../../source/wire/source.ts';
import {createWorld} from '../../source/world.ts';
import {filesBelow, imported} from '../import/imported.ts';
import {bytes} from './mutate.ts';
import type {Target} from './target.ts';

const recording = openRecording(new URL('../fixtures/lab-services.hop', import.meta.url).pathname);
const events = eventsOf(recording.read(recording.to));
const AT = recording.to;
const {nodes} = recording;
recording.close();

function graphOf(all: readonly SourceEvent[]): Graph {
  const world = createWorld(nodes, FACTS, AT, CLUSTER_FACTS);
  for (const event of all) world.apply(event);
  const inputs = world.nodes.map(({id, reach, ...rest}) => [id, {...reach, ...rest}] as const);
  return buildGraph(new Map(inputs), AT, world.cluster);
}

/** Every question, about what the graph has most to say of. */
function questionsOf(graph: Graph): Question[] {
  const [node] = graph.nodes;
  const pods = graph.nodes.flatMap(one => one.pods).map(({key}) => key);
  const name = node?.name ?? 'none';
  return [
    ...(
      ['overview', 'pods', 'interfaces', 'sockets', 'processes', 'routes', 'services', 'mesh'] as const
    ).map(each => ({name: each, words: []})),
    {name: 'node', words: [name]},
    {name: 'peers', words: [name]},
    {name: 'pod', words: pods.slice(0, 1)},
    {name: 'path', words: [pods[0] ?? name, pods.at(-1) ?? name, '--port', '80']},
    {name: 'path', words: [name, '10.96.0.1', '--port', '443', '--verify']},
  ] as Question[];
}

/** Every answer, as text and as JSON. */
function shownOf(graph: Graph): string[] {
  return questionsOf(graph).flatMap(question => {
    const asked = ask(graph, question);
    if ('missing' in asked) return [];
    const view = toView(asked);
    for (const {body} of view.facets)
      if (body.type === 'table' && body.count > 0) makeFilter('a*b!=c pod=*x*', body)?.(0, body.row(0));
    return [viewText(view), safeJson(JSON.stringify(toJson(asked)))];
  });
}

/** One reply of the recording is what is changed; the others stay. */
const replies = events.flatMap((event, index) =>
  event.type === 'reply' && event.out.length > 0 ? [{event, index}] : [],
);
const facts = [...new Set(replies.map(({event}) => event.fact))];

export const answerTargets: readonly Target[] = [
  ...facts.map((fact): Target => {
    const own = replies.filter(({event}) => event.fact === fact);
    return {
      name: `answers, after ${fact}`,
      samples: own.slice(0, 4).map(({event}) => event.out),
      every: 20,
      run(out) {
        const changed = [...events];
        const {event, index} = own[0]!;
        changed[index] = {...event, out};
        return {shown: shownOf(graphOf(changed))};
      },
    };
  }),
  {
    name: 'import',
    samples: ['seed', 'three-node']
      .flatMap(filesBelow)
      .filter(({out}) => out.length < 60_000)
      .map(({out}) => out),
    every: 6,
    run(out) {
      const files = [{name: 'worker-1.txt', at: AT, out}];
      const {replies: found, unrecognised} = assemble(files, undefined);
      return {rows: found.length, gaps: unrecognised.map(({why}) => why)};
    },
  },
  {
    name: 'import, and its answers',
    samples: filesBelow('seed').map(({out}) => out),
    every: 40,
    run: out => ({shown: shownOf(imported([{name: 'worker-1.txt', at: AT, out}]).graph)}),
  },
  {
    name: 'filter as it is typed',
    samples: [bytes('pod=shop/* retrans>0 state!=estab a*b*c*d*e*f<3')],
    run(out) {
      const typed = new TextDecoder().decode(out.subarray(0, 2000));
      for (const table of tables) makeFilter(typed, table)?.(0, table.row(0));
      return {};
    },
  },
];

const graph = graphOf(events);
const tables = questionsOf(graph).flatMap(question => {
  const asked = ask(graph, question);
  if ('missing' in asked) return [];
  return toView(asked).facets.flatMap(({body}) => (body.type === 'table' && body.count > 0 ? [body] : []));
});
