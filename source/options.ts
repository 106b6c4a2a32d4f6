/**
 * Every flag once: name, shape, default and sentence. Parsing, help and docs derive from this table, so they cannot
 * disagree. Spelling follows ssh where ssh has the flag, and kubectl for `-o`.
 */
import {type ParseArgsConfig, parseArgs} from 'node:util';

type Flag = {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: true;
  /** Placeholder of the value in help. */
  readonly value?: string;
  readonly group: 'where from' | 'ssh' | 'how to answer' | 'other';
  readonly help: string;
};

export const FLAGS = {
  nodes: {
    type: 'string',
    multiple: true,
    value: 'LIST',
    group: 'where from',
    help: 'Nodes to read over SSH, comma separated: [USER@]HOST[:PORT], names and patterns (worker-*) of ~/.ssh/config included. Without any, those that the Kubernetes API lists, by their InternalIP. With --inventory: which of its nodes, by name or @GROUP.',
  },
  inventory: {
    type: 'string',
    value: 'FILE',
    group: 'where from',
    help: 'Nodes to read over SSH, from a YAML file: nodes: [{name, host, user, port, jump, kubernetes}, …], groups: {NAME: [node, …]}, or a list of targets.',
  },
  local: {type: 'boolean', group: 'where from', help: 'Read this machine, without SSH.'},
  from: {
    type: 'string',
    value: 'FILE.hop',
    group: 'where from',
    help: 'Ask a recording instead of live nodes.',
  },
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    group: 'where from',
    help: 'Ask the Kubernetes API too, by this kubeconfig; NODE:/PATH reads one from a node, into memory only. It is asked without this flag where no node is named: as kubectl finds it ($KUBECONFIG, ~/.kube/config, in a pod).',
  },
  context: {
    type: 'string',
    value: 'NAME',
    group: 'where from',
    help: 'Ask the Kubernetes API too, by this context of the kubeconfig (default: its current one).',
  },
  'kube-via': {
    type: 'string',
    value: 'NODE',
    group: 'where from',
    help: 'Ask the Kubernetes API too, through SSH to this node: for an API server that only nodes reach.',
  },
  at: {
    type: 'string',
    value: 'TIME',
    group: 'where from',
    help: 'With --from: the moment to ask about, as ISO time or +SECONDS from its start (default: its end). With import: when it was pasted (default: when the file was changed).',
  },
  identity: {
    type: 'string',
    short: 'i',
    multiple: true,
    value: 'FILE',
    group: 'ssh',
    help: 'Private key to authenticate with (may be repeated); else ~/.ssh/config, the agent and the default keys.',
  },
  'ssh-config': {
    type: 'string',
    short: 'F',
    value: 'FILE',
    group: 'ssh',
    help: 'SSH client configuration instead of ~/.ssh/config; `none` reads none.',
  },
  jump: {
    type: 'string',
    short: 'J',
    value: 'HOSTS',
    group: 'ssh',
    help: 'Jump hosts: [USER@]HOST[:PORT], comma separated.',
  },
  login: {
    type: 'string',
    short: 'l',
    value: 'USER',
    group: 'ssh',
    help: 'User to log in as where a target names none.',
  },
  port: {
    type: 'string',
    short: 'p',
    value: 'PORT',
    group: 'ssh',
    help: 'Port to connect to where a target names none.',
  },
  transport: {
    type: 'string',
    value: 'WHICH',
    group: 'ssh',
    help: 'ssh2 (built in, default), or openssh: your own ssh program, for ProxyCommand, FIDO keys, GSSAPI, host certificates.',
  },
  become: {
    type: 'string',
    value: 'HOW',
    group: 'ssh',
    help: 'How to read as root where the login is not: sudo, doas, none, or auto (default): `sudo -n`, else `doas -n`, else sudo with a password, which the UI asks for.',
  },
  'known-hosts': {
    type: 'string',
    value: 'FILE',
    group: 'ssh',
    help: 'Host keys to trust, instead of ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts.',
  },
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    group: 'how to answer',
    help: 'Format of the answer: text (default) or json (stable keys; see `hoptop schema`).',
  },
  ui: {
    type: 'boolean',
    group: 'how to answer',
    help: 'Open the terminal UI at this question instead of printing.',
  },
  every: {
    type: 'string',
    value: 'SECONDS',
    group: 'how to answer',
    help: 'Seconds between sweeps of the nodes while live (default 2).',
  },
  for: {
    type: 'string',
    value: 'SECONDS',
    group: 'how to answer',
    help: 'With record: stop after so long (default: Ctrl-C).',
  },
  speed: {
    type: 'string',
    value: 'X',
    group: 'how to answer',
    help: 'With play and demo: 0.25 to 16 (default 1).',
  },
  node: {
    type: 'string',
    value: 'NAME',
    group: 'how to answer',
    help: 'With import: the node that what was pasted is of, where neither a prompt nor a file name says it.',
  },
  force: {type: 'boolean', group: 'how to answer', help: 'With import: overwrite the recording.'},
  reverse: {
    type: 'boolean',
    group: 'how to answer',
    help: 'With peers: ask this machine’s DNS what addresses outside are called (at most 32, two seconds).',
  },
  'no-color': {
    type: 'boolean',
    group: 'how to answer',
    help: 'No colours; the variable NO_COLOR does the same.',
  },
  help: {type: 'boolean', short: 'h', group: 'other', help: 'Show this help, or that of a command.'},
  version: {type: 'boolean', short: 'V', group: 'other', help: 'Print the version.'},
} as const satisfies Record<string, Flag>;

/**
 * Options that are a question's own words: `hoptop path A B --port 80` is the question `path` with the words
 * `A B --port 80`. Of a name that is also a flag, the question takes the long form, and the flag keeps its short one.
 */
const OWN: Readonly<Record<string, readonly string[]>> = {
  path: ['port', 'proto', 'family', 'verify', 'probe'],
};
const SWITCHES = new Set(['verify', 'probe']);

export type Flags = {
  readonly [K in keyof typeof FLAGS]?: (typeof FLAGS)[K] extends {multiple: true}
    ? readonly string[]
    : (typeof FLAGS)[K]['type'] extends 'boolean'
      ? boolean
      : string;
};

/** A mistake of the person who typed: printed as one sentence, exit 1, no stack trace. */
export class UsageError extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'UsageError';
  }
}

/** Errors whose message is all there is to say: the other one is thrown for files that are no recordings. */
export function isSentence(error: unknown): error is Error {
  return error instanceof Error && (error.name === 'UsageError' || error.name === 'RecordingError');
}

export type Arguments = {readonly command?: string; readonly words: readonly string[]; readonly flags: Flags};

/** Splits argv (without node and script) into command, words and flags. Throws `UsageError`. */
export function readArguments(argv: readonly string[]): Arguments {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, flag] of Object.entries<Flag>(FLAGS)) {
    options[name] = {
      type: flag.type,
      ...(flag.short ? {short: flag.short} : {}),
      ...(flag.multiple ? {multiple: true} : {}),
    };
  }
  const own = new Set(Object.values(OWN).flat());
  for (const name of own) options[name] ??= {type: SWITCHES.has(name) ? 'boolean' : 'string'};
  try {
    const {values, tokens} = parseArgs({
      args: [...argv],
      options,
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
    const [command] = tokens.flatMap(token => (token.kind === 'positional' ? [token.value] : []));
    const words: string[] = [];
    const flags: Record<string, unknown> = {...values};
    for (const token of tokens) {
      if (token.kind === 'positional') words.push(token.value);
      if (token.kind !== 'option' || !own.has(token.name)) continue;
      const isFlag = Object.hasOwn(FLAGS, token.name);
      if (token.rawName.startsWith('--') && OWN[command ?? '']?.includes(token.name)) {
        words.push(`--${token.name}`, ...(SWITCHES.has(token.name) ? [] : [token.value ?? '']));
        if (!isFlag || flags[token.name] === token.value) delete flags[token.name];
      } else if (!isFlag) throw new Error(`Unknown option '${token.rawName}'.`);
      else flags[token.name] = token.value;
    }
    words.shift();
    return {...(command === undefined ? {} : {command}), words, flags: flags as Flags};
  } catch (error) {
    throw new UsageError(`${sentence(error)} See \`hoptop --help\`.`);
  }
}

/** A flag's value as a positive number. Throws `UsageError` naming the flag. */
export function numberFlag(
  flags: Flags,
  name: 'every' | 'for' | 'speed',
  otherwise: number,
  most: number,
): number {
  const text = flags[name];
  if (text === undefined) return otherwise;
  const value = Number(text.replace(/s$/, ''));
  if (!(value > 0 && value <= most)) {
    throw new UsageError(`--${name} takes a number above 0, at most ${most}; this is "${text}".`);
  }
  return value;
}

/** The flags as lines of help, grouped. */
export function flagHelp(): string {
  const groups = new Map<string, string[]>();
  for (const [name, flag] of Object.entries<Flag>(FLAGS)) {
    const left = `${flag.short ? `-${flag.short}, ` : '    '}--${name}${flag.value ? ` ${flag.value}` : ''}`;
    const lines = groups.get(flag.group) ?? [];
    groups.set(flag.group, lines);
    lines.push(...hang(`  ${left.padEnd(26)} `, flag.help, 100));
  }
  return [...groups].map(([group, lines]) => `${group}:\n${lines.join('\n')}`).join('\n\n');
}

/** `text` after `head`, wrapped at `width` and indented under itself. */
export function hang(head: string, text: string, width: number): string[] {
  const lines: string[] = [];
  let line = head;
  for (const word of text.split(' ')) {
    if (line.length + word.length > width && line.trimEnd().length > head.trimEnd().length) {
      lines.push(line.trimEnd());
      line = ' '.repeat(head.length);
    }
    line += `${word} `;
  }
  lines.push(line.trimEnd());
  return lines;
}

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const first = text.split(/\n|\. To specify/)[0] ?? text;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
