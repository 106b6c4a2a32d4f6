import {act, type Binding, type Effect} from './binding.ts';
import {nextSpeed} from './choices.ts';
import type {Ui} from './state.ts';

/** Milliseconds that `{` and `}` move the playhead by. */
const LEAP = 10_000;

/** What moves the playhead of a recording; none of it makes sense live. */
export const PLAYER_KEYS: readonly Binding[] = [
  playing(['.'], 'step', 'Goes one sweep forward in a recording.', () => act({do: 'step', by: 1}), 10),
  playing([','], 'step back', 'Goes one sweep back in a recording.', () => act({do: 'step', by: -1})),
  playing(['}'], '+10 s', 'Goes ten seconds forward in a recording.', ui => seekBy(ui, LEAP)),
  playing(['{'], '−10 s', 'Goes ten seconds back in a recording.', ui => seekBy(ui, -LEAP)),
  playing(
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    'seek',
    'Goes to so many tenths of a recording; 0 is its beginning.',
    (ui, _, key) => seekTo(ui, Number(key) / 10),
  ),
  playing(['>'], 'faster', 'Plays a recording faster.', ui =>
    act({do: 'speed', speed: nextSpeed(ui.status?.player?.speed ?? 1, 1)}),
  ),
  playing(['<'], 'slower', 'Plays a recording more slowly.', ui =>
    act({do: 'speed', speed: nextSpeed(ui.status?.player?.speed ?? 1, -1)}),
  ),
];

function playing(
  keys: readonly string[],
  name: string,
  description: string,
  run: Binding['run'],
  footer?: number,
): Binding {
  return {
    context: 'screen',
    keys,
    name,
    description,
    ...(footer === undefined ? {} : {footer}),
    blocked: ui => (ui.status?.player ? undefined : 'Only a recording can be moved through; this is live.'),
    run,
  };
}

/** The player keeps the playhead within the recording. */
function seekBy(ui: Ui, ms: number): readonly Effect[] {
  const player = ui.status?.player;
  return player ? seek(Date.parse(player.at) + ms) : [];
}

function seekTo(ui: Ui, part: number): readonly Effect[] {
  const player = ui.status?.player;
  if (!player) return [];
  const [from, to] = [Date.parse(player.from), Date.parse(player.to)];
  return seek(from + (to - from) * part);
}

function seek(time: number): readonly Effect[] {
  return act({do: 'seek', at: new Date(time).toISOString()});
}
