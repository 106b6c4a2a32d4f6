/** `npm run lab -- …`: makes, shows, breaks and removes real clusters on this machine. See README.md here. */
import {spawnSync} from 'node:child_process';
import {parseArgs} from 'node:util';
import {down} from './down.ts';
import {changeHostKey, inNode, setUplink, startSshd, stopSshd} from './faults.ts';
import {whatIsMissing} from './need.ts';
import {isAlive, type LabState, labNames, readState} from './state.ts';
import {statusOf, statusText} from './status.ts';
import {topologies} from './topologies.ts';
import {pasteLine, refuseIfThere, up} from './up.ts';

const USAGE = `npm run lab -- COMMAND

  up [TOPOLOGY] [--name NAME]        make a cluster; ends with the line that opens hoptop on it
  status [--name NAME] [-o json]     nodes, pods and their processes; of all labs without a name
  exec [--name NAME] NODE CMD…       run a command in a node, as root
  sshd NODE stop|start               end a node's sshd with all its sessions, or start it
  hostkey NODE                       give a node a new host key
  link NODE down|up                  cut or mend a node's uplink
  down [--name NAME | --all]         take it away

A lab is called \`main\` unless --name says otherwise. Topologies:
${topologies.map(topology => `  ${topology.name.padEnd(14)} ${topology.about}`).join('\n')}
`;

/** A fault of the command line (exit status 2), in a sentence. */
class UsageError extends Error {}

/** A signal ended `up` (exit status 130, as shells count Ctrl-C). */
class Interrupted extends Error {}

/** Letters, digits and dashes; short, since it is part of names the kernel bounds. */
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

const out = (text: string) => process.stdout.write(`${text}\n`);
const say = (text: string) => process.stderr.write(`${text}\n`);

const labNamed = async (name: string): Promise<LabState> => {
  const state = await readState(name);
  if (state) return state;
  const others = await labNames();
  throw new Error(
    `There is no lab ${name} here; ${others.length ? `there is ${others.join(', ')}` : 'make one with `npm run lab -- up`'}.`,
  );
};

const nodeNamed = (state: LabState, name: string | undefined) => {
  const machines = [...state.nodes, ...state.routers];
  const node = machines.find(each => each.name === name);
  if (node) return node;
  throw new UsageError(`Name a node of lab ${state.name}: ${machines.map(each => each.name).join(', ')}.`);
};

const makeLab = async (name: string, topologyName: string | undefined) => {
  const topology = topologyName ? topologies.find(each => each.name === topologyName) : topologies[0];
  if (!topology)
    throw new UsageError(
      `There is no topology ${topologyName}; there is ${topologies.map(each => each.name).join(' and ')}.`,
    );
  const missing = await whatIsMissing();
  if (missing.length) throw new Error(missing.join('\n'));
  await refuseIfThere(name);

  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupt.abort(`Interrupted by ${name}; what was made is taken away.`));
  const start = performance.now();
  const seconds = () => ((performance.now() - start) / 1000).toFixed(1);
  try {
    const state = await up(
      name,
      topology,
      step => say(`${seconds().padStart(5)} s  ${step}`),
      interrupt.signal,
    );
    say(`${seconds().padStart(5)} s  up: ${state.nodes.length} nodes, ${state.pods.length} pods`);
  } catch (error) {
    await down(name);
    throw interrupt.signal.aborted ? new Interrupted(interrupt.signal.reason) : error;
  }
  out(pasteLine(name, topology));
};

const removeLabs = async (names: readonly string[]) => {
  for (const name of names) {
    // A crash right at the start leaves a directory without a state file, which is taken away too.
    const state = (await labNames()).includes(name) ? await readState(name) : await labNamed(name);
    if (state?.phase === 'starting' && (await isAlive(state.maker)))
      throw new Error(
        `Lab ${name} is being brought up by process ${state.maker.pid}; interrupt that one, and it clears up.`,
      );
    await down(name);
    say(`Lab ${name} is gone.`);
  }
};

const main = async ([command, ...rest]: string[]) => {
  // What follows the node of `exec` belongs to the command that runs there.
  const own =
    command === 'exec'
      ? rest.findIndex((word, at) => !word.startsWith('-') && rest[at - 1] !== '--name') + 1
      : rest.length;
  const {values, positionals} = parseArgs({
    args: rest.slice(0, own),
    allowPositionals: true,
    options: {name: {type: 'string'}, all: {type: 'boolean'}, output: {type: 'string', short: 'o'}},
  });
  const {name = 'main'} = values;
  if (!NAME.test(name))
    throw new UsageError(
      `A lab's name is up to 32 lower-case letters, digits and dashes; got ${JSON.stringify(name)}.`,
    );
  const [first, second] = positionals;
  switch (command) {
    case 'up':
      return makeLab(name, first);
    case 'down':
      return removeLabs(values.all ? await labNames() : [name]);
    case 'status': {
      const names = values.name ? [name] : await labNames();
      const labs = await Promise.all(names.map(async each => statusOf(await labNamed(each))));
      if (values.output && values.output !== 'json')
        throw new UsageError(`The only format is json; got ${values.output}.`);
      return out(
        values.output
          ? JSON.stringify({labs}, null, 2)
          : labs.map(statusText).join('\n\n') || 'There is no lab here.',
      );
    }
    case 'exec': {
      const command = rest.slice(own);
      const argv = inNode(
        nodeNamed(await labNamed(name), first),
        command.length ? command : ['/bin/bash', '-l'],
      );
      const done = spawnSync(argv[0]!, argv.slice(1), {stdio: 'inherit'});
      process.exitCode = done.status ?? 1;
      return;
    }
    case 'sshd':
    case 'link':
    case 'hostkey': {
      const state = await labNamed(name);
      const node = nodeNamed(state, first);
      if (command === 'hostkey') await changeHostKey(state, node);
      else if (command === 'sshd' && second === 'stop') await stopSshd(state, node);
      else if (command === 'sshd' && second === 'start') await startSshd(node);
      else if (command === 'link' && (second === 'up' || second === 'down'))
        await setUplink(state, node, second);
      else
        throw new UsageError(
          `Say \`${command} ${node.name} ${command === 'sshd' ? 'stop` or `start' : 'down` or `up'}\`.`,
        );
      return;
    }
    case undefined:
    case 'help':
    case '--help':
      return out(USAGE);
    default:
      throw new UsageError(`There is no command ${command}.\n\n${USAGE}`);
  }
};

try {
  await main(process.argv.slice(2));
} catch (error) {
  say((error as Error).message);
  process.exitCode = error instanceof Interrupted ? 130 : error instanceof UsageError ? 2 : 1;
}
