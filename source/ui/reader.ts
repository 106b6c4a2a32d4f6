import type {Binding} from './binding.ts';
import {shellLines} from './command.ts';
import {evidenceLines} from './evidence.ts';
import {helpLines} from './help.ts';
import {clamp, type Move, shown} from './navigation.ts';
import type {Line} from './paint.ts';
import {nodeLines} from './progress.ts';
import {bodyHeight, type Overlay, type Ui} from './state.ts';
import {clean, wrap} from './text.ts';

/** What lies over the body to be read: its title, and all its lines. */
export type Reading = {readonly title: string; readonly lines: readonly Line[]};

export function readingOf(ui: Ui, bindings: readonly Binding[]): Reading | undefined {
  const view = shown(ui.navigation).view;
  switch (ui.overlay?.kind) {
    case 'help':
      return {title: 'Keys', lines: helpLines(bindings, ui)};
    case 'gaps':
      return {title: 'What could not be seen here', lines: gapLines(view?.gaps ?? [], ui.columns)};
    case 'nodes':
      return {title: 'Nodes', lines: nodeLines(ui.status, ui.columns)};
    case 'command':
      return {title: 'The command that prints this', lines: commandLines(ui.overlay.text, ui.columns)};
    case 'evidence':
      return {title: 'Evidence', lines: evidenceLines(ui.overlay.texts, ui.columns)};
    default:
      return undefined;
  }
}

/** Lines of it that are on screen: one goes to the title. */
export function readingHeight(ui: Ui): number {
  return Math.max(1, bodyHeight(ui) - 1);
}

/** First line on screen: never so far down that less than a page is shown. */
export function readingTop(ui: Ui, reading: Reading): number {
  const top = ui.overlay && 'top' in ui.overlay ? ui.overlay.top : 0;
  return clamp(top, 0, Math.max(0, reading.lines.length - readingHeight(ui)));
}

/** The overlay scrolled by `move`. */
export function scrolled(ui: Ui, move: Move, bindings: readonly Binding[]): Overlay | undefined {
  const reading = readingOf(ui, bindings);
  if (!reading || !ui.overlay || !('top' in ui.overlay)) return ui.overlay;
  const last = Math.max(0, reading.lines.length - readingHeight(ui));
  const top = readingTop(ui, reading);
  const to =
    'to' in move
      ? move.to === 'first'
        ? 0
        : last
      : top + ('by' in move ? move.by : move.pages * readingHeight(ui));
  return {...ui.overlay, top: clamp(to, 0, last)};
}

/** From the left edge on and with nothing before it: it is there to be copied. */
function commandLines(text: string, columns: number): Line[] {
  return shellLines(clean(text), columns).map(line => [{text: line}]);
}

function gapLines(gaps: readonly string[], columns: number): Line[] {
  if (gaps.length === 0) return [[{text: ' There are none any more.', tone: 'dim'}]];
  return gaps.flatMap(gap =>
    wrap(gap, columns - 4).map((text, i): Line => [{text: i === 0 ? ' - ' : '   ', tone: 'dim'}, {text}]),
  );
}
