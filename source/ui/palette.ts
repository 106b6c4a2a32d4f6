import type {BodyLine} from './body.ts';
import {fill} from './paint.ts';
import {bodyHeight, type Ui} from './state.ts';

/** What the typed text can be completed to, with the chosen line marked; scrolled so that it is visible. */
export function paletteLines(ui: Ui): BodyLine[] {
  if (ui.overlay?.kind !== 'palette') return [];
  const {completions, completed, selected} = ui.overlay;
  const height = bodyHeight(ui) - 1;
  if (completions.length === 0) {
    const text = completed === undefined ? '' : '  No name known here fits; Enter asks for what is typed.';
    return [title(ui), {line: [{text, tone: 'dim'}]}];
  }
  const top = Math.max(0, Math.min(selected - height + 1, completions.length - height));
  return [
    title(ui),
    ...completions.slice(top, top + height).map((command, n): BodyLine => {
      const cursor = top + n === selected;
      const line = fill([{text: cursor ? '> ' : '  '}, {text: command}], ui.columns);
      return cursor ? {line, cursor} : {line};
    }),
  ];
}

function title(ui: Ui): BodyLine {
  return {line: fill([{text: ' Go to', tone: 'strong'}], ui.columns)};
}
