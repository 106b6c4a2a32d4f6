import type {Cell} from '../views/view.ts';
import {type Body, position} from './body.ts';
import {commandOf, commandShown, type MakeCommand} from './command.ts';
import {contextOf, footerBindings} from './dispatch.ts';
import {facetIndex, placeOf, shown} from './navigation.ts';
import {cut, type Line, lineWidth, spread} from './paint.ts';
import {facetShown, type Ui} from './state.ts';
import {clean, shorten} from './text.ts';

/** The questions that led here, nearest last; when they are too many the first ones go. At the right what is marked. */
export function breadcrumb(ui: Ui): Line {
  const marked = markLine(ui);
  const crumbs = crumbsIn(ui, ui.columns - lineWidth(marked));
  return marked.length > 0 ? spread(crumbs, marked, ui.columns) : crumbs;
}

/** Never more than a third of the line. */
function markLine({mark, columns}: Ui): Line {
  if (mark === undefined) return [];
  const text = shorten(clean(mark), Math.floor(columns / 3));
  return [{text: '  A '}, {text: `${text} `, tone: 'accent'}];
}

function crumbsIn(ui: Ui, room: number): Line {
  const titles = ui.navigation.stack.map(({question, view}) => view?.title ?? commandOf(question));
  const line = (from: number): Line =>
    titles.slice(from).flatMap((text, i, all): Cell[] => [
      {text: i > 0 ? ' › ' : from > 0 ? ' … › ' : ' ', tone: 'dim'},
      {text, tone: i === all.length - 1 ? 'strong' : 'plain'},
    ]);
  let from = 0;
  while (from < titles.length - 1 && lineWidth(line(from)) > room) from++;
  return cut(line(from), room);
}

/** The parts of the screen, the one that is shown in brackets; to the right where in it one is. */
export function facetLine(ui: Ui, body: Body): Line {
  const {view} = shown(ui.navigation);
  const at = facetIndex(shown(ui.navigation));
  const facets = view?.facets ?? [];
  const title = (i: number): Cell[] => {
    const facet = facets[i]!;
    const count = facet.body.type === 'table' ? ` ${facet.body.count}` : '';
    return i === at
      ? [{text: ' ['}, {text: `${facet.title}${count}`, tone: 'accent'}, {text: '] '}]
      : [{text: `  ${facet.title}${count}  `, tone: 'dim'}];
  };
  const all = lineWidth(facets.flatMap((_, i) => title(i)));
  const right = tableState(ui, body, ui.columns - all, ui.columns - (at < 0 ? 0 : lineWidth(title(at))));
  // The part that is shown is always named: those before it go first when they do not fit.
  const room = ui.columns - lineWidth(right);
  let from = 0;
  const line = (): Line => facets.flatMap((_, i) => (i < from ? [] : title(i)));
  while (from < at && lineWidth(facets.slice(from, at + 1).flatMap((_, i) => title(from + i))) > room) from++;
  return spread(line(), right, ui.columns);
}

/**
 * What filters, what sorts, what is hidden, and which line one is on. What matters less goes where there is no room
 * beside all the parts' titles, `room`, or at least beside the title of the one that is shown, `most`.
 */
function tableState(ui: Ui, {dropped}: Body, room: number, most: number): Line {
  const {filter, sort} = placeOf(shown(ui.navigation));
  const table = facetShown(ui)?.body;
  const column = table?.type === 'table' ? table.columns.find(({key}) => key === sort?.column) : undefined;
  const hidden = `${dropped.length} ${dropped.length === 1 ? 'column' : 'columns'} hidden`;
  const line = (cells: readonly (Cell | undefined)[]): Line => [
    {text: ' '},
    ...cells.flatMap(cell => (cell ? [cell, {text: '  '}] : [])),
    {text: `${position(ui)} `, tone: 'dim'},
  ];
  const filtered: Cell | undefined = filter === '' ? undefined : {text: `filter: ${filter}`, tone: 'warn'};
  const sorted: Cell | undefined =
    column && sort
      ? {text: `sorted by ${column.title} ${sort.descending ? '▼' : '▲'}`, tone: 'accent'}
      : undefined;
  const some = dropped.length > 0;
  const long = line([filtered, sorted, some ? {text: `${hidden}, L shows more`, tone: 'dim'} : undefined]);
  if (lineWidth(long) <= room) return long;
  const forms = [
    line([filtered, sorted, some ? {text: `${hidden} (L)`, tone: 'dim'} : undefined]),
    line([filtered, sorted, some ? {text: `${dropped.length} hidden (L)`, tone: 'dim'} : undefined]),
    line([filtered, sorted]),
    line([filtered]),
  ];
  return forms.find(form => lineWidth(form) <= most) ?? forms.at(-1)!;
}

/** One line that says how much is missing, and the key that lists it. */
export function gapLine(ui: Ui): Line {
  const gaps = shown(ui.navigation).view?.gaps ?? [];
  const [first = ''] = gaps;
  const count = gaps.length === 1 ? '1 gap' : `${gaps.length} gaps`;
  return cut(
    [
      {text: ` ${count} `, tone: 'warn'},
      {text: '(! shows all)', tone: 'accent'},
      {text: `  ${first}`, tone: 'dim'},
    ],
    ui.columns,
  );
}

/** The keys that work here; whole ones only, and always those that lead out. */
export function keyLine(ui: Ui): Line {
  if (contextOf(ui) === 'prompt') return [{text: ' Something needs your answer first.', tone: 'warn'}];
  const entries = footerBindings(ui).map(({keys, name, footer}): {line: Line; last: boolean} => ({
    line: [
      {text: ` ${keys[0]}`, tone: 'accent'},
      {text: ` ${typeof name === 'string' ? name : name(ui)} `, tone: 'plain'},
    ],
    last: (footer ?? 0) > 90,
  }));
  const width = (some: typeof entries) => some.reduce((sum, {line}) => sum + lineWidth(line), 0);
  while (width(entries) > ui.columns) {
    const victim = entries.findLastIndex(({last}) => !last);
    if (victim < 0) break;
    entries.splice(victim, 1);
  }
  return cut(
    entries.flatMap(({line}) => line),
    ui.columns,
  );
}

/** What is being typed, a notice, or the command that prints this answer. `command` puts the source's flags in. */
export function lastLine(ui: Ui, command: MakeCommand): Line {
  const {overlay, notice} = ui;
  if (overlay?.kind === 'filter') {
    const found = position(ui) === '' ? 'none' : position(ui);
    return spread(typing('/', overlay.text), [{text: `${found} `, tone: 'dim'}], ui.columns);
  }
  if (overlay?.kind === 'record') return cut(typing('Record into the file: ', overlay.text), ui.columns);
  if (overlay?.kind === 'palette' && notice === undefined) return cut(typing(':', overlay.text), ui.columns);
  if (notice !== undefined) return cut([{text: ` ${notice}`, tone: 'warn'}], ui.columns);
  return commandLine(ui, command);
}

/** The command; where it does not fit, its question with the source's flags left out, and the key that shows them. */
function commandLine(ui: Ui, command: MakeCommand): Line {
  const whole = commandShown(ui, command);
  const line = (text: string): Line => [{text: ` $ ${text}`, tone: 'dim'}];
  if (lineWidth(line(whole)) <= ui.columns) return line(whole);
  const words = commandOf(shown(ui.navigation).question);
  const end = whole.indexOf(words) + words.length;
  const key: Line = [
    {text: '  $', tone: 'accent'},
    {text: ' shows it whole ', tone: 'dim'},
  ];
  return spread(line(`${whole.slice(0, end)} … + source flags`), key, ui.columns);
}

function typing(label: string, text: string): Line {
  return [{text: ` ${label}`, tone: 'strong'}, {text}, {text: '▏', tone: 'accent'}];
}
