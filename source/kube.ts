/** Puts together how the Kubernetes API is asked: by which kubeconfig, from where. Loaded only where it is asked. */
import {existsSync} from 'node:fs';
import {hostOf, kubeconfigPaths, type Target as Named} from './cli/targets.ts';
import {KUBECONFIG} from './facts/kubeconfig.ts';
import {sanitise} from './facts/text.ts';
import {type Flags, UsageError} from './options.ts';
import {sshTargetOf} from './ssh-target.ts';
import {VERSION} from './version.ts';
import {type Become, unasking} from './wire/become.ts';
import {createClient} from './wire/kube/client.ts';
import {KubeError} from './wire/kube/error.ts';
import {type Access, accessOf, inCluster, readFiles} from './wire/kube/kubeconfig.ts';
import {createKubeSource} from './wire/kube/source.ts';
import type {Prompter} from './wire/prompter.ts';
import {createRemoteSource} from './wire/remote.ts';
import {DialError} from './wire/shell.ts';
import type {Reply, Source} from './wire/source.ts';
import {createSsh} from './wire/ssh/dial.ts';
import {opensshDial} from './wire/ssh/openssh.ts';
import {opensshOnward} from './wire/ssh/openssh-onward.ts';

/** `NODE:/PATH`, as scp writes it; a file of that name here goes first. */
function onNode(file: string): {readonly node: string; readonly path: string} | undefined {
  const match = /^([^/]+):(\/.+)$/.exec(file);
  return match && !existsSync(file) ? {node: match[1]!, path: match[2]!} : undefined;
}

/** `nodes`: those that are named, by which `--kube-via` and `--kubeconfig NODE:…` may call them. */
export function openKube(
  flags: Flags,
  nodes: readonly Named[],
  prompter: Prompter,
  become: Become = unasking,
): Source {
  const remote = flags.kubeconfig === undefined ? undefined : onNode(flags.kubeconfig);
  // Whoever reads a node's own kubeconfig wants the API as that node reaches it.
  const through = flags['kube-via'] ?? remote?.node;
  const called = [through, remote?.node].filter(name => name !== undefined);
  const targets = new Map(
    called.map(name => {
      const named = nodes.find(({id, target}) => id === name || target === name);
      return [name, sshTargetOf(named ?? {id: name, target: name})];
    }),
  );
  const options = {targets, flags, prompter};
  const ssh =
    called.length === 0
      ? undefined
      : flags.transport === 'openssh'
        ? {dial: opensshDial(options), onward: opensshOnward(options)}
        : createSsh(options);
  return createKubeSource({
    async connect(step, signal) {
      const access = remote ? await readFromNode(remote, flags, ssh!, become, signal) : await readHere(flags);
      return createClient({
        access,
        agentName: `hoptop/${VERSION}`,
        step,
        ...(through === undefined
          ? {}
          : {
              via: {
                name: hostOf(through),
                open: (host, port, until) => ssh!.onward(through, host, port, step, until),
                explain: error => onwardError(error, access.server),
              },
            }),
      });
    },
  });
}

/**
 * A mistake in what was typed, or in the kubeconfig here, is told at once: no node is dialled for it. One that is on a
 * node is read when the API is asked. Throws a `UsageError`.
 */
export async function checkKubeconfig(flags: Flags): Promise<void> {
  if (flags.kubeconfig !== undefined && onNode(flags.kubeconfig)) return;
  try {
    await readHere(flags);
  } catch (error) {
    throw error instanceof KubeError ? new UsageError(error.message) : error;
  }
}

async function readHere(flags: Flags): Promise<Access> {
  const {kubeconfig, context} = flags;
  const paths = kubeconfig === undefined ? kubeconfigPaths() : [kubeconfig];
  const files = await readFiles(paths, kubeconfig !== undefined);
  const pod = files.length === 0 && context === undefined ? inCluster(process.env) : undefined;
  if (pod) return pod;
  if (files.length === 0)
    throw new KubeError(
      `There is no kubeconfig at ${paths.join(', ')}. Name one with --kubeconfig FILE.`,
      true,
    );
  return accessOf(files, context);
}

/** Reads a kubeconfig from a node by the one declared reader, over a connection of its own that ends with it. */
async function readFromNode(
  {node, path}: {readonly node: string; readonly path: string},
  flags: Flags,
  ssh: ReturnType<typeof createSsh>,
  become: Become,
  signal: AbortSignal,
): Promise<Access> {
  if (!KUBECONFIG.asks!.line.test(path))
    throw new KubeError(
      `${path} is no plain path of a kubeconfig on ${node}: letters, digits and ./_- only.`,
      true,
    );
  const source = createRemoteSource({nodes: [node], dial: ssh.dial, become});
  let reply: Reply | undefined;
  let cause: string | undefined;
  const events = (async () => {
    for await (const event of source.events(signal)) if (event.state === 'lost') cause = event.cause;
  })();
  try {
    const read = {node, reader: KUBECONFIG, scope: {netns: ['host']}, asked: [path]};
    for await (const event of source.sweep([read], signal)) if (event.type === 'reply') reply = event;
  } finally {
    await source.close();
    await events;
  }
  const name = `${hostOf(node)}:${path}`;
  if (!reply)
    throw new KubeError(
      `The kubeconfig ${name} could not be read. ${cause ?? `${node} was not reached.`}`,
      false,
    );
  if (reply.exit !== 0) {
    const said = sanitise(reply.err.trim().split('\n').at(-1) ?? '').slice(0, 200);
    throw new KubeError(
      `The kubeconfig ${name} could not be read${said === '' ? '' : `: ${said}`}. It is mostly readable by root only: log in as root, or as a user who may run \`sudo -n\`.`,
      true,
    );
  }
  // No folder: files that it names are on the node, and login programs are never run for it.
  return accessOf([{name, text: new TextDecoder().decode(reply.out)}], flags.context);
}

function onwardError(error: unknown, {hostname, port, protocol}: URL): unknown {
  if (!(error instanceof DialError)) return error;
  const to = `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
  // What a jump host's sentence advises about sshd is not about an API server.
  const plain = error.message.replace(
    /: see whether sshd runs there.*$/,
    `. Does the API server listen at ${to}, as seen from there?`,
  );
  return new KubeError(plain, error.final);
}
