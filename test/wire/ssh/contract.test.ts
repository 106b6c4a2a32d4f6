import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {headless} from '../../../source/wire/prompter.ts';
import {createRemoteSource} from '../../../source/wire/remote.ts';
import {sshDial} from '../../../source/wire/ssh/dial.ts';
import {opensshDial} from '../../../source/wire/ssh/openssh.ts';
import {describeSource} from '../contract.ts';
import {canMakeNamespaces, makeNamespaces} from '../namespaces.ts';
import {knownHosts} from './setup.ts';
import {makeKey, missing, startSshd, temporary} from './sshd.ts';

/** A node over SSH, behind a jump host or not; the link is cut at the node's sshd or at the jump host's. */
async function reached(jump: boolean, dialWith: typeof sshDial | typeof opensshDial = sshDial) {
  const directory = temporary();
  const key = join(directory, 'id');
  const pub = makeKey(key);
  const [sshd, gate] = await Promise.all([startSshd(), startSshd()]);
  for (const server of [sshd, gate]) server.authorize(pub);
  const namespaces = await makeNamespaces();
  const dial = dialWith({
    targets: new Map([['n', {host: '127.0.0.1', port: sshd.port, user: 'root'}]]),
    flags: {
      'ssh-config': 'none',
      identity: [key],
      'known-hosts': knownHosts(directory, sshd.known + gate.known),
      ...(jump ? {jump: `root@127.0.0.1:${gate.port}`} : {}),
    },
    prompter: headless,
    env: dialWith === sshDial ? {} : process.env,
  });
  const source = createRemoteSource({nodes: ['n'], dial});
  return {
    source,
    node: 'n',
    netns: [namespaces.own, namespaces.held, namespaces.named],
    cut: () => (jump ? gate : sshd).hangUp(),
    async done() {
      await source.close();
      await Promise.all([sshd.stop(), gate.stop()]);
      await namespaces.remove();
      rmSync(directory, {recursive: true});
    },
  };
}

const without = missing() ?? (canMakeNamespaces() ? undefined : 'no network namespaces can be made');
if (without === undefined) {
  describeSource('the SSH adapter', () => reached(false));
  describeSource('the SSH adapter behind a jump host', () => reached(true));
  describeSource('the adapter of the own ssh', () => reached(false, opensshDial));
} else {
  console.warn(`SKIPPED: the contract of a Source over SSH, because ${without}`);
  test.skipIf(!process.env['CI'])(without, () => expect(without).toBeUndefined());
}
