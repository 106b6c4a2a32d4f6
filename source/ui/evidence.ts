import type {EvidenceText} from '../session.ts';
import type {Line} from './paint.ts';
import {clean, wrap} from './text.ts';

/** Node and time, the command, then the raw lines, whole: what is too long goes on in the next line. */
export function evidenceLines(texts: readonly EvidenceText[] | undefined, columns: number): Line[] {
  if (!texts) return [[{text: ' Looking it up …', tone: 'dim'}]];
  if (texts.length === 0) return [[{text: ' Nothing is kept of it any more: it was read too long ago.'}]];
  return texts.flatMap(({title, command, lines}, i): Line[] => [
    ...(i > 0 ? [[]] : []),
    [{text: ` ${clean(title)}`, tone: 'strong'}],
    ...wrap(clean(command), columns - 6).map(
      (text, n): Line => [
        {text: n === 0 ? ' $ ' : '     ', tone: 'dim'},
        {text, tone: 'dim'},
      ],
    ),
    ...lines.flatMap(line =>
      wrap(clean(line), columns - 6).map(
        (text, n): Line => [
          {text: n === 0 ? ' │ ' : ' │   ', tone: 'accent'},
          {text, tone: 'strong'},
        ],
      ),
    ),
  ]);
}
