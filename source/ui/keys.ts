import type {Binding} from './binding.ts';
import {OVERLAY_KEYS} from './overlay-keys.ts';
import {SCREEN_KEYS} from './screen-keys.ts';

/** Every key there is. What keys do, the footer and the help are made from this list, so they cannot disagree. */
export const BINDINGS: readonly Binding[] = [
  ...SCREEN_KEYS,
  ...OVERLAY_KEYS,
  {
    context: 'anywhere',
    keys: ['Ctrl-C'],
    name: 'quit',
    description: 'Leaves hoptop, whatever is on screen.',
    run: () => [{do: 'quit'}],
  },
  {
    context: 'anywhere',
    keys: ['Ctrl-Z'],
    name: 'suspend',
    description: 'Returns to the shell for a while; fg brings hoptop back.',
    run: () => [{do: 'suspend'}],
  },
];
