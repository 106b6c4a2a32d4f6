/** The API through SSH, and by a kubeconfig that is read from a node: a real sshd before a real HTTPS server. */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {commandsText} from '../../../source/cli/commands.ts';
import {redact} from '../../../source/facts/catalogue.ts';
import {CLUSTER_FACTS} from '../../../source/facts/cluster.ts';
import {openKube} from '../../../source/kube.ts';
import {nodesByApi} from '../../../source/kube-nodes.ts';
import type {Flags} from '../../../source/options.ts';
import {headless} from '../../../source/wire/prompter.ts';
import {CLUSTER, type Source} from '../../../source/wire/source.ts';
import {knownHosts} from '../ssh/setup.ts';
import {makeKey, missing, type Sshd, startSshd} from '../ssh/sshd.ts';
import {type ApiServer, kubeconfig, startApiServer} from './api-server.ts';
import {type Authority, createAuthority} from './certificates.ts';

const cannot = missing();

describe.skipIf(cannot !== undefined).each(['ssh2', 'openssh'])(
  'through a node, --transport %s',
  transport => {
    let folder: string;
    let ca: Authority;
    let sshd: Sshd;
    let closed: Sshd;
    let api: ApiServer;
    let flags: Flags;
    const open: Source[] = [];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'hoptop-via-'));
      ca = createAuthority(join(folder, 'ca'));
      api = await startApiServer({
        ca,
        host: '127.0.0.3',
        pair: ca.issue('kube-apiserver', {names: ['DNS:kubernetes', 'IP:127.0.0.3']}),
        tokens: () => ['good'],
      });
      // Forwarded streams are no sessions; what reads the node is one, on a connection of its own.
      sshd = await startSshd({MaxSessions: '1'});
      closed = await startSshd({AllowTcpForwarding: 'no'});
      for (const server of [sshd, closed]) server.authorize(makeKey(join(folder, `key${server.port}`)));
      flags = {
        transport,
        'ssh-config': 'none',
        identity: [sshd, closed].map(({port}) => join(folder, `key${port}`)),
        'known-hosts': knownHosts(folder, sshd.known + closed.known),
      };
      writeFileSync(join(folder, 'config'), config());
    });
    afterAll(async () => {
      await Promise.all([sshd?.stop(), closed?.stop(), api?.close()]);
      rmSync(folder, {recursive: true, force: true});
    });
    afterEach(async () => {
      for (const one of open.splice(0)) await one.close();
    });

    const config = (server = `https://127.0.0.3:${api.port}`, user: object = {token: 'good'}) =>
      kubeconfig({server, ca: ca.cert, user});
    const name = ({port}: Sshd) => `root@127.0.0.1:${port}`;

    function ask(more: Flags): Source {
      const source = openKube({...flags, ...more}, [], headless);
      open.push(source);
      return source;
    }

    async function replies(source: Source): Promise<string[]> {
      const found: string[] = [];
      const reads = CLUSTER_FACTS.map(({reader}) => ({node: CLUSTER, reader, scope: 'node'}) as const);
      for await (const event of source.sweep(reads, new AbortController().signal))
        if (event.type === 'reply') found.push(event.fact);
      return found;
    }

    async function causeOf(source: Source): Promise<string> {
      const stop = new AbortController();
      void replies(source);
      for await (const {state, cause} of source.events(stop.signal)) {
        if (state === 'ready') throw new Error('It was reached.');
        if (state !== 'lost') continue;
        stop.abort();
        return cause ?? '';
      }
      throw new Error('It ended.');
    }

    test('the server is verified by its own name, over one SSH connection', async () => {
      const logins = () => sshd.log().match(/Accepted publickey/g)?.length ?? 0;
      const before = logins();
      const source = ask({kubeconfig: join(folder, 'config'), 'kube-via': name(sshd)});
      expect(await replies(source)).toEqual(['kube-nodes', 'kube-pods', 'kube-workloads']);
      expect(logins() - before).toBe(1);
    });

    test('a certificate for another name is refused there too', async () => {
      const file = join(folder, 'localhost');
      writeFileSync(
        file,
        config(`https://localhost:${api.port}`)
          .replace('localhost', '127.0.0.3')
          .replace('"cluster":{', '"cluster":{"tls-server-name":"other",'),
      );
      expect(await causeOf(ask({kubeconfig: file, 'kube-via': name(sshd)}))).toMatch(/is for other names/);
    });

    test('a node that lets nothing pass, and a port where nothing listens, are sentences', async () => {
      expect(await causeOf(ask({kubeconfig: join(folder, 'config'), 'kube-via': name(closed)}))).toMatch(
        /does not let connections pass to 127\.0\.0\.3:\d+: set AllowTcpForwarding/,
      );
      const file = join(folder, 'nobody');
      writeFileSync(file, config('https://127.0.0.3:1'));
      const cause = await causeOf(ask({kubeconfig: file, 'kube-via': name(sshd)}));
      expect(cause).toMatch(
        /could not connect to 127\.0\.0\.3:1 .*Does the API server listen at 127\.0\.0\.3:1, as seen from there\?/,
      );
      expect(cause).not.toMatch(/sshd runs/);
    });

    test('a connection that is lost is made anew', async () => {
      const source = ask({kubeconfig: join(folder, 'config'), 'kube-via': name(sshd)});
      await replies(source);
      await replies(source);
      for (let i = 0; i < 200 && api.watches('/api/v1/pods').length === 0; i++)
        await new Promise(resolve => setTimeout(resolve, 20));
      const states: string[] = [];
      const stop = new AbortController();
      const watching = (async () => {
        for await (const {state} of source.events(stop.signal)) {
          states.push(state);
          if (state === 'back') stop.abort();
        }
      })();
      sshd.hangUp();
      await watching;
      expect(states).toEqual(['ready', 'lost', 'back']);
    });

    test('a kubeconfig of the node is read by the one declared command, and tells the nodes', async () => {
      const there = join(folder, 'admin.conf');
      writeFileSync(there, config());
      const nodes = await nodesByApi(ask({kubeconfig: `${name(sshd)}:${there}`}));
      expect(nodes).toEqual([
        {id: 'atlas', target: '192.168.77.11'},
        {id: 'borea', target: '192.168.77.12'},
        {id: 'cairn', target: '192.168.77.13'},
      ]);
      expect(commandsText()).toMatch(/--kubeconfig NODE:\/PATH[^\n]*\n {4}\$ cat \/PATH/);
      // Were it ever handed to a recorder, it would not be written.
      expect(() => redact('kubeconfig', new Uint8Array())).toThrow(/must not be written/);
    });

    test('what is not there, and what is no plain path, are sentences', async () => {
      expect(await causeOf(ask({kubeconfig: `${name(sshd)}:/nonexistent/admin.conf`}))).toMatch(
        /admin\.conf could not be read: .*No such file.*log in as root/,
      );
      expect(await causeOf(ask({kubeconfig: `${name(sshd)}:/etc/$(reboot)`}))).toMatch(/is no plain path/);
      mkdirSync(join(folder, 'exec'));
      const there = join(folder, 'exec', 'config');
      writeFileSync(there, config(undefined, {exec: {command: 'touch', args: [join(folder, 'run')]}}));
      expect(await causeOf(ask({kubeconfig: `${name(sshd)}:${there}`}))).toMatch(
        /logs in with a program, which is not run/,
      );
    });
  },
);
