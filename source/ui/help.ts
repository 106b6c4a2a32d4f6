import type {Binding} from './binding.ts';
import type {Line} from './paint.ts';
import type {Ui} from './state.ts';
import {pad, wrap} from './text.ts';

const TITLES: Record<string, string> = {
  screen: 'On every screen',
  reader: 'While reading this',
  palette: 'While going to a question (:)',
  filter: 'While typing a filter (/)',
  record: 'While naming a recording (R)',
  anywhere: 'Always',
};

/** What the signs in the line of a recording mean. */
const MARKS = [
  ['●', 'Where one is in the recording; what was played is drawn thick.'],
  [
    '┴',
    'Something happened to a node there: it was reached, lost or came back. The last one is named at the right.',
  ],
  ['▶ ‖', 'It plays, or stands still.'],
] as const;

/** Every key with its sentence; those that do not work where help was opened are faint and say why. */
export function helpLines(bindings: readonly Binding[], ui: Ui): Line[] {
  const contexts = [...new Set(bindings.map(binding => binding.context))];
  const keys = Math.max(...bindings.map(binding => binding.keys.join(' ').length));
  const lines = contexts.flatMap((context, n): Line[] => [
    ...(n > 0 ? [[]] : []),
    [{text: ` ${TITLES[context] ?? context}`, tone: 'strong'}],
    ...bindings
      .filter(binding => binding.context === context)
      .flatMap(binding => {
        const why = context === 'screen' ? binding.blocked?.(ui) : undefined;
        const text = why ? `${binding.description} Not now: ${why}` : binding.description;
        return described(binding.keys.join(' '), text, keys, ui, why !== undefined);
      }),
  ]);
  const marks = MARKS.flatMap(([mark, text]) => described(mark, text, keys, ui));
  return [...lines, [], [{text: ' In the line of a recording', tone: 'strong'}], ...marks];
}

function described(name: string, text: string, names: number, ui: Ui, faint = false): Line[] {
  return wrap(text, ui.columns - names - 5).map(
    (part, i): Line => [
      {text: ` ${pad(i === 0 ? name : '', names)}  `, tone: faint ? 'dim' : 'accent'},
      {text: part, tone: faint ? 'dim' : 'plain'},
    ],
  );
}
