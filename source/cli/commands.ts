import {FACTS} from '../facts/catalogue.ts';
import {CLUSTER_FACTS} from '../facts/cluster.ts';
import type {Cadence} from '../facts/fact.ts';
import {KUBECONFIG} from '../facts/kubeconfig.ts';
import {hang} from '../options.ts';
import {agentText, bootCommand} from '../wire/agent.ts';
import {sweepText} from '../wire/script.ts';
import type {Reader} from '../wire/source.ts';

function whenOf(cadence: Cadence): string {
  if (cadence.when === 'sweep') return 'every sweep';
  if (cadence.when === 'once') return 'once';
  if (cadence.when === 'asked') return 'only when asked to';
  return `when something changed, at least every ${cadence.backstop} sweeps`;
}

function readerLines(reader: Reader): string[] {
  const lines = reader.command.split('\n').map(line => `    $ ${line}`);
  for (const more of reader.also ?? []) lines.push(`    $ ${more} (where there is such a program)`);
  if (reader.asks)
    lines.push(`    ${reader.asks.as === 'stdin' ? '<' : 'last argument:'} ${reader.asks.usage}`);
  if (reader.asks?.otherwise) lines.push(`    where there is none: $ ${reader.asks.otherwise}`);
  for (const line of reader.stdin?.trimEnd().split('\n') ?? []) lines.push(`    < ${line}`);
  lines.push(...hang('    ', reader.why, 100));
  if (reader.withoutRoot) lines.push(...hang('    without root: ', reader.withoutRoot, 100));
  if (reader.files)
    lines.push(`    with at most ${reader.files} open files (ulimit -Sn), and again without if it fails so`);
  if (reader.quiet) lines.push('    not run in a namespace where nothing moved since it was last read');
  if (reader.proc)
    lines.push(
      '    not entered: $hop_net is /proc/PID/net of a process there, $hop_sys /sys/class/net of its root',
    );
  if (reader.touches) lines.push(...hang('    may touch: ', reader.touches, 100));
  const pipe = reader.slight ? ', in a pipe shared with others so marked' : '';
  lines.push(`    limits: ${reader.timeout} s, ${Math.round(reader.limit / 1024)} KiB${pipe}`);
  return lines;
}

/** One reader of each kind: what a sweep puts around their commands. */
const FRAMED = ([{scope: 'node', slight: true}, {scope: 'node'}, {scope: 'each-netns'}] as const).map(
  kind => ({
    node: 'NODE',
    scope: kind.scope,
    reader: {name: 'COMMAND@1', fact: 'COMMAND', command: 'COMMAND', why: '', limit: 1, timeout: 1, ...kind},
  }),
);

/** Everything that can run on a node: what, where, when, why, and what it may touch there. */
export function commandsText(): string {
  const lines = [
    'Everything that hoptop can run on a node. Nothing else ever runs there and nothing is written.',
    'One niced POSIX shell a node, started over SSH, as root where `sudo -n` or `doas -n` allow it (--become) or the UI was',
    'given sudo’s password, runs these; "each netns" ones are entered with `nsenter --net=…`. Each is bounded in time and',
    'output. The text of that shell itself stands at the end.',
    '',
  ];
  for (const {name, reader, cadence, otherwise = []} of FACTS) {
    lines.push(
      `${name} (${reader.name}): ${reader.scope === 'node' ? 'once a node' : 'each netns'}, ${whenOf(cadence)}`,
    );
    lines.push(...readerLines(reader), '');
    for (const {reader: other, loses} of otherwise) {
      lines.push(`${name}, only where what stands before it cannot be (${other.name}):`);
      lines.push(...readerLines(other));
      if (loses !== undefined) lines.push(...hang('    does not tell: ', loses, 100));
      lines.push('');
    }
  }
  lines.push(
    'Only where --kubeconfig NODE:/PATH asks for it, once, over a connection of its own:',
    `    $ ${KUBECONFIG.command} ${KUBECONFIG.asks!.usage}`,
    ...hang('    ', KUBECONFIG.why, 100),
    `    limits: ${KUBECONFIG.timeout} s, ${Math.round(KUBECONFIG.limit / 1024)} KiB`,
    '',
    'What is asked of the Kubernetes API, where it is asked (--kubeconfig, --context, --kube-via, or no node named):',
    'lists in pages of 500 and watches, nothing but GET. Of each object only the fields that are read are kept.',
    ...CLUSTER_FACTS.flatMap(({reader}) => [
      ...reader.api!.paths.map(path => `    GET ${path}`),
      ...hang('      ', reader.why, 100),
    ]),
    '',
    'The shell: the login shell is asked to run',
    `    $ ${bootCommand}`,
    '  and is fed this (NONCE and TOKEN are new in every session; 60 is the idle limit in seconds). The part from',
    '  `case $hop_sudo` to `esac; fi` is there in the UI only: it is where sudo reads a password from what it is fed,',
    '  after which the text from the second line on is fed to the shell that sudo starts.',
  );
  lines.push(
    ...agentText('NONCE', 60, undefined, {how: 'auto', token: 'TOKEN'})
      .trimEnd()
      .split('\n')
      .map(line => `    ${line}`.trimEnd()),
    '',
    '  Each sweep is a function fed to it, with the commands above in the place of COMMAND:',
    ...sweepText(0, FRAMED)
      .trimEnd()
      .split('\n')
      .map(line => `    ${line}`),
  );
  return `${lines.join('\n')}\n`;
}
