import {flagHelp, hang} from '../options.ts';
import {QUESTIONS} from '../questions/catalogue.ts';
import {DOINGS} from './doings.ts';
import {formatLabels} from './import/recognise.ts';

/** The whole help, or that of one command. */
export function helpText(command?: string): string {
  const entry = [...QUESTIONS, ...DOINGS].find(({name}) => name === command);
  if (entry) {
    const more = entry.name === 'import' ? `${importHelp()}\n\n` : '';
    return `${entry.summary}\n\nUsage: hoptop ${entry.usage} [flags]\n\n${more}${flagHelp()}\n`;
  }
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

/** How what was pasted is told apart, and what is recognised. */
function importHelp(): string {
  return [
    'Outputs are recognised by their content; several may be in one file, after prompts (`root@node1:~# ss -tunapie`), in',
    'the fences of a Markdown document, or one after the other. The node is named by the prompt, by --node, by the first',
    'directory below DIR, by the file (node1-netstat.txt), or by an address that `kubectl get nodes -o wide` tells. The time',
    'is that of the file, or --at. What was not recognised is listed. Secrets are masked as in any recording.',
    '',
    'recognised:',
    ...formatLabels().map(label => `  ${label}`),
  ].join('\n');
}
