import {expect, test} from 'vitest';
import {localDial} from '../../source/wire/local.ts';
import {createRemoteSource} from '../../source/wire/remote.ts';
import {describeSource} from './contract.ts';
import {canMakeNamespaces, makeNamespaces} from './namespaces.ts';
import {untilEmpty} from './sessions.ts';

const able = canMakeNamespaces();
if (!able) {
  const why = 'the local adapter needs root and network namespaces';
  console.warn(`SKIPPED: ${why}`);
  test.skipIf(!process.env['CI'])(why, () => expect(able).toBe(true));
}

if (able)
  describeSource('the local adapter', async () => {
    const namespaces = await makeNamespaces();
    const shells: number[] = [];
    const source = createRemoteSource({nodes: ['here'], dial: localDial('/bin/sh', pid => shells.push(pid))});
    return {
      source,
      node: 'here',
      netns: [namespaces.own, namespaces.held, namespaces.named],
      cut: () => void process.kill(shells.at(-1)!, 'SIGKILL'),
      async done() {
        await source.close();
        await namespaces.remove();
        for (const shell of shells) await untilEmpty(shell);
      },
    };
  });
