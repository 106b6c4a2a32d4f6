import {type BodyLine, bodyOf} from './body.ts';
import {breadcrumb, facetLine, gapLine, keyLine, lastLine} from './chrome.ts';
import {commandOf, commandShown, type MakeCommand} from './command.ts';
import {headerLines, holdsNothing} from './header.ts';
import {BINDINGS} from './keys.ts';
import {shown} from './navigation.ts';
import {cut, fill, type Line} from './paint.ts';
import {paletteLines} from './palette.ts';
import {nodeLines} from './progress.ts';
import {readingHeight, readingOf, readingTop} from './reader.ts';
import {bodyHeight, hasGapLine, SMALLEST, summaryLines, type Ui} from './state.ts';
import {wrap} from './text.ts';

/** The lines of one screen: `above` and `below` are fixed, `body` has exactly the lines in between. */
export type Frame = {
  readonly above: readonly Line[];
  readonly body: readonly BodyLine[];
  readonly below: readonly Line[];
};

/** Everything on screen but a prompt, as toned lines; together exactly as many as the terminal has rows. */
export function frameOf(ui: Ui, command: MakeCommand): Frame {
  if (ui.columns < SMALLEST.columns || ui.rows < SMALLEST.rows) return tooSmall(ui, command);
  const {view} = shown(ui.navigation);
  const empty = holdsNothing(ui.status);
  const body = view && !empty ? bodyOf(ui) : {lines: empty ? emptyBody(ui) : waitingBody(ui), dropped: []};
  const above: Line[] = [...headerLines(ui.status, ui.columns), breadcrumb(ui)];
  above.push(...summaryLines(ui));
  if (view) above.push(empty ? [] : facetLine(ui, body));
  const below: Line[] = [keyLine(ui), lastLine(ui, command)];
  if (hasGapLine(ui)) below.unshift(gapLine(ui));
  return {above, body: padded(overlaid(ui) ?? body.lines, bodyHeight(ui)), below};
}

function overlaid(ui: Ui): readonly BodyLine[] | undefined {
  if (ui.overlay?.kind === 'palette') return paletteLines(ui);
  const reading = readingOf(ui, BINDINGS);
  if (!reading) return undefined;
  const top = readingTop(ui, reading);
  const end = Math.min(reading.lines.length, top + readingHeight(ui));
  const where = reading.lines.length > readingHeight(ui) ? `  ${top + 1}–${end}/${reading.lines.length}` : '';
  const title: Line = [
    {text: ` ── ${reading.title} `, tone: 'strong'},
    {text: where, tone: 'dim'},
  ];
  return [{line: title}, ...reading.lines.slice(top, end).map(line => ({line: cut(line, ui.columns)}))];
}

/** In place of every answer: tables without a row would look as if the cluster were empty. */
function emptyBody(ui: Ui): BodyLine[] {
  const names = (ui.status?.nodes ?? []).map(node => node.name).join(', ');
  const text =
    `This recording holds nothing that can be shown: it ends before ${names === '' ? 'any node' : `any of ${names}`} ` +
    'was read. Its file was cut in its first seconds, or the recording was stopped too early. Copy the whole file ' +
    'again if there is one; else record anew (hoptop record, or R while live) for longer than one sweep.';
  return [{line: []}, ...wrap(text, ui.columns - 2).map((line): BodyLine => ({line: [{text: ` ${line}`}]}))];
}

/** Before the first answer: how far each node is. */
function waitingBody(ui: Ui): BodyLine[] {
  const asked = commandOf(shown(ui.navigation).question);
  const nodes = ui.status?.nodes ?? [];
  const why =
    nodes.length > 0 && nodes.every(node => node.state === 'lost')
      ? `No node is reached, so there is no answer to "${asked}" yet. Each is tried again by itself; r tries now.`
      : `Waiting for the first answer to "${asked}".`;
  const lines: Line[] = [
    [],
    ...wrap(why, ui.columns - 2).map((text): Line => [{text: ` ${text}`}]),
    [],
    ...nodeLines(ui.status, ui.columns),
  ];
  return lines.slice(0, bodyHeight(ui)).map(line => ({line: cut(line, ui.columns)}));
}

function tooSmall(ui: Ui, command: MakeCommand): Frame {
  const {columns, rows} = SMALLEST;
  const text =
    `hoptop needs a terminal of ${columns}×${rows}; this one is ${ui.columns}×${ui.rows}. Enlarge it, or press q and ` +
    `have the answer printed: ${commandShown(ui, command)}`;
  const lines = wrap(text, Math.max(1, ui.columns)).slice(0, ui.rows);
  return {
    above: [],
    body: padded(
      lines.map(line => ({line: cut([{text: line}], ui.columns)})),
      ui.rows,
    ),
    below: [],
  };
}

function padded(lines: readonly BodyLine[], height: number): readonly BodyLine[] {
  const out = lines.slice(0, height);
  while (out.length < height) out.push({line: fill([], 0)});
  return out;
}
