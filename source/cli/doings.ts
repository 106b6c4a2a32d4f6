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
  {
    name: 'import',
    usage: 'import DIR|FILE… FILE.hop',
    summary: 'Make a recording of outputs that somebody pasted: netstat, ss, ps, ifconfig, ip, kubectl, …',
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
