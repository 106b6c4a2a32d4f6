import {flagHelp, hang} from '../options.ts';
import {QUESTIONS} from '../questions/catalogue.ts';

/** Commands that are not questions, each with its usage and its sentence. */
export const DOINGS = [
  {
    name: 'record',
    usage: 'record FILE.hop',
    summary: 'Record all that is read, until Ctrl-C or --for SECONDS.',
  },
  {
    name: 'play',
    usage: 'play FILE.hop',
    summary: 'Open a recording: pause, step, seek, speed, and walk freely at any moment.',
  },
  {name: 'demo', usage: 'demo', summary: 'Play the recorded demo cluster that comes with hoptop.'},
  {name: 'commands', usage: 'commands', summary: 'Print everything that can ever run on a node.'},
  {
    name: 'schema',
    usage: 'schema [QUESTION]',
    summary: 'Print the JSON Schema of an answer (of all of them without a name).',
  },
] as const;

export type Doing = (typeof DOINGS)[number]['name'];

export function isDoing(name: string): name is Doing {
  return DOINGS.some(doing => doing.name === name);
}

/** The whole help, or that of one command. */
export function helpText(command?: string): string {
  const entry = [...QUESTIONS, ...DOINGS].find(({name}) => name === command);
  if (entry) return `${entry.summary}\n\nUsage: hoptop ${entry.usage} [flags]\n\n${flagHelp()}\n`;
  const list = (entries: readonly {usage: string; summary: string}[]) =>
    entries.flatMap(({usage, summary}) => hang(`  ${usage.padEnd(34)} `, summary, 110)).join('\n');
  return [
    "hoptop walks a Kubernetes cluster's network hop by hop, over SSH, with nothing installed on the nodes.",
    '',
    'Usage: hoptop [QUESTION [WORDS]] --nodes root@10.0.0.1,root@10.0.0.2',
    '       Without a question it opens the terminal UI; with one it prints the answer.',
    '',
    'questions:',
    list(QUESTIONS),
    '',
    'doing:',
    list(DOINGS),
    '',
    flagHelp(),
    '',
    'exit status: 0 answered; 1 wrong usage; 2 some nodes could not be read (the answer is printed, gaps listed);',
    '             3 no node could be read; 4 what was asked for does not exist (near names are suggested).',
    '',
  ].join('\n');
}
