import {Box, Text} from 'ink';
import {memo} from 'react';
import type {Prompt} from '../wire/prompt.ts';
import {type Row, rowOf} from './canvas/cells.ts';
import {piecesOf} from './canvas/sgr.ts';
import type {MakeCommand} from './command.ts';
import {frameOf} from './frame.ts';
import {cut, type Line, paint, styled} from './paint.ts';
import type {Ui} from './state.ts';
import {clean, takeEnd, width, wrap} from './text.ts';

type Props = {readonly ui: Ui; readonly colour: boolean; readonly command: MakeCommand};

/** What Ink lays out on top of the lines that are painted: a prompt, in the middle of the body. */
export function Over({ui, colour, command}: Props) {
  if (!ui.prompt) return null;
  const {above, body, below} = frameOf(ui, command);
  return (
    <Box flexDirection="column" width={ui.columns} height={ui.rows} overflow="hidden">
      <Box height={above.length} flexShrink={0} />
      <Box flexDirection="column" height={body.length} justifyContent="center" alignItems="center">
        <Dialog
          prompt={ui.prompt}
          typed={ui.answer ?? ''}
          columns={ui.columns}
          rows={body.length}
          colour={colour}
        />
      </Box>
      <Box height={below.length} flexShrink={0} />
    </Box>
  );
}

/**
 * The whole screen in cells. `over`: what Ink drew last, as lines of text; it takes the place of the body while something
 * is asked.
 */
export function screenRows({ui, colour, command}: Props, over: readonly string[]): Row[] {
  const {above, body, below} = frameOf(ui, command);
  const inner = ui.prompt
    ? body.map((_, y) => piecesOf(over[above.length + y] ?? ''))
    : body.map(({line, cursor}) => styled(line, colour, cursor));
  const fixed = (line: Line) => styled(line, colour);
  return [...above.map(fixed), ...inner, ...below.map(fixed)].map(pieces => rowOf(pieces, ui.columns));
}

/** One line of the terminal; not drawn again while its text stays the same. An empty one would take no room. */
const Painted = memo(function Painted({text}: {readonly text: string}) {
  return <Text wrap="truncate">{text === '' ? ' ' : text}</Text>;
});

type DialogProps = {
  readonly prompt: Prompt;
  readonly typed: string;
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
};

/**
 * The question that something waits for. Its choices come last and are never cut off, nor is what is being typed; its
 * explanation may be.
 */
function Dialog({prompt, typed, columns, rows, colour}: DialogProps) {
  const inner = Math.min(76, columns - 6);
  const wide = Math.max(...prompt.choices.map(({key}) => key.length));
  const choices = prompt.choices.map(({key, label}) =>
    paint(cut([{text: ` ${key.padEnd(wide)} `, tone: 'accent'}, {text: ` ${label}`}], inner), colour),
  );
  const input = prompt.input ? [inputLine(prompt.input, typed, inner)] : [];
  const room = Math.max(1, rows - 2 - 3 - choices.length - input.length * 2);
  const lines = prompt.lines.flatMap(line => wrap(clean(line), inner)).slice(0, room);
  return (
    <Box flexDirection="column" borderStyle="round" paddingX={1} width={inner + 4}>
      <Painted text={paint(cut([{text: prompt.title, tone: 'warn'}], inner), colour)} />
      <Painted text="" />
      {lines.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line of the dialog is its own place
        <Painted key={i} text={paint([{text: line}], colour)} />
      ))}
      {lines.length > 0 && <Painted text="" />}
      {input.map(line => [<Painted key="input" text={paint(line, colour)} />, <Painted key="gap" text="" />])}
      {choices.map(choice => (
        <Painted key={choice} text={choice} />
      ))}
    </Box>
  );
}

/** The end of what was typed, a secret as dots. */
function inputLine({label, masked}: NonNullable<Prompt['input']>, typed: string, inner: number): Line {
  const head = `${clean(label)} `;
  const count = [...new Intl.Segmenter().segment(typed)].length;
  const room = Math.max(8, inner - width(head) - 1);
  const shown = takeEnd(masked ? '•'.repeat(count) : clean(typed), room);
  return cut([{text: head, tone: 'strong'}, {text: shown}, {text: '▏', tone: 'accent'}], inner);
}
