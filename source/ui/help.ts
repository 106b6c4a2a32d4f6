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

/** Every key with its sentence; those that do not work where help was opened are faint and say why. */
export function helpLines(bindings: readonly Binding[], ui: Ui): Line[] {
  const contexts = [...new Set(bindings.map(binding => binding.context))];
  const keys = Math.max(...bindings.map(binding => binding.keys.join(' ').length));
  return contexts.flatMap((context, n): Line[] => [
    ...(n > 0 ? [[]] : []),
    [{text: ` ${TITLES[context] ?? context}`, tone: 'strong'}],
    ...bindings
      .filter(binding => binding.context === context)
      .flatMap(binding => {
        const why = context === 'screen' ? binding.blocked?.(ui) : undefined;
        const text = why ? `${binding.description} Not now: ${why}` : binding.description;
        return wrap(text, ui.columns - keys - 5).map(
          (part, i): Line => [
            {text: ` ${pad(i === 0 ? binding.keys.join(' ') : '', keys)}  `, tone: why ? 'dim' : 'accent'},
            {text: part, tone: why ? 'dim' : 'plain'},
          ],
        );
      }),
  ]);
}
