import {Box, Text} from 'ink';
import {memo} from 'react';
import type {Prompt} from '../wire/prompt.ts';
import type {MakeCommand} from './command.ts';
import {frameOf} from './frame.ts';
import {cut, type Line, paint} from './paint.ts';
import type {Ui} from './state.ts';
import {clean, takeEnd, width, wrap} from './text.ts';

type Props = {readonly ui: Ui; readonly colour: boolean; readonly command: MakeCommand};

/** Draws any state of the UI. Lines come ready and toned; here they only become coloured and are put in their places. */
export function Screen({ui, colour, command}: Props) {
  const {above, body, below} = frameOf(ui, command);
  return (
    <Box flexDirection="column" width={ui.columns} height={ui.rows} overflow="hidden">
      {above.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line of the terminal is its own place
        <Painted key={i} text={paint(line, colour)} />
      ))}
      <Box flexDirection="column" height={body.length} justifyContent="center" alignItems="center">
        {ui.prompt ? (
          <Dialog
            prompt={ui.prompt}
            typed={ui.answer ?? ''}
            columns={ui.columns}
            rows={body.length}
            colour={colour}
          />
        ) : (
          <Box flexDirection="column" width={ui.columns} height={body.length}>
            {body.map(({line, cursor}, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line of the terminal is its own place
              <Painted key={i} text={paint(line, colour, cursor)} />
            ))}
          </Box>
        )}
      </Box>
      {below.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line of the terminal is its own place
        <Painted key={i} text={paint(line, colour)} />
      ))}
    </Box>
  );
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
