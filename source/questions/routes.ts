import * as v from 'valibot';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {namespacesOf, regionOf} from './interfaces.ts';
import {byTable, RouteRow, routeRows} from './route-rows.ts';
import {base, list} from './schema.ts';
import {resolve, scopeWords} from './scope.ts';

const Routes = v.object({...base, routes: list(RouteRow)});
export type RoutesAnswer = v.InferOutput<typeof Routes>;

export const routes: Definition<RoutesAnswer> = {
  name: 'routes',
  usage: 'routes [NODE|NS/POD]',
  summary: 'Routes of every table, in every network namespace or in one.',
  words: [0, 1],
  schema: Routes,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node', 'pod', 'netns']);
    if (isMissing(scope)) return scope;
    return {
      question: {name: 'routes', words: scopeWords(scope)},
      at: graph.at,
      gaps: gapsFor(graph, ['network', 'namespaces'], regionOf(scope)),
      routes: namespacesOf(graph, scope).flatMap(namespace => routeRows(namespace).sort(byTable)),
    };
  },
};
