/** Which adapter reads what `start` names. Apart from the engine, so that nodes are dialled while that is loaded. */

import type {Start} from './drive.ts';
import {UsageError} from './options.ts';
import {createLocalSource} from './wire/local.ts';
import type {Prompter} from './wire/prompter.ts';
import {createRemoteSource} from './wire/remote.ts';
import type {Dial} from './wire/shell.ts';
import type {Source} from './wire/source.ts';
import type {SshOptions} from './wire/ssh/dial.ts';

/** The live source that `start` names. ssh2 is loaded only here, when it is needed. */
export async function openSource({origin, flags}: Start, prompter: Prompter): Promise<Source> {
  if (origin.kind === 'local') return createLocalSource({node: 'localhost'});
  if (origin.kind === 'recording') throw new Error('A recording is not a live source.');
  const [dialWith, {parseTarget}] = await Promise.all([
    transport(flags.transport),
    import('./wire/ssh/target.ts'),
  ]);
  const targets = new Map(origin.targets.map(({id, target}) => [id, target]));
  for (const target of targets.values()) {
    try {
      parseTarget(target);
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
  }
  const dial = dialWith({targets, flags, prompter});
  return createRemoteSource({nodes: origin.targets.map(({id}) => id), dial});
}

/** Only the one that is used is loaded. */
async function transport(name: string | undefined): Promise<(options: SshOptions) => Dial> {
  switch (name) {
    case undefined:
    case 'ssh2':
      return (await import('./wire/ssh/dial.ts')).sshDial;
    case 'openssh':
      return (await import('./wire/ssh/openssh.ts')).opensshDial;
    default:
      throw new UsageError(`--transport takes ssh2 or openssh; this is "${name}".`);
  }
}
