import type {ProcessRow} from '../questions/process-rows.ts';
import {stateMark} from './marks.ts';
import {figures, listTable, words} from './table.ts';
import type {Table} from './view.ts';

export function processTable(processes: readonly ProcessRow[], empty: string): Table {
  return listTable(processes, {
    columns: [
      figures('pid', 'PID', 0, 5, proc => proc.pid),
      figures('ppid', 'PPID', 4, 5, proc => proc.ppid),
      words('user', 'User', 2, 5, proc => proc.user, {max: 16}),
      words('node', 'Node', 3, 6, proc => proc.node, {max: 24}),
      words('pod', 'Pod', 1, 8, proc => proc.pod, {max: 40}),
      words('container', 'Container', 5, 8, containerText, {max: 24}),
      figures('established', 'Estab', 2, 5, proc => proc.sockets?.established),
      figures('listening', 'Listen', 2, 6, proc => proc.sockets?.listening),
      words('state', 'Stat', 6, 4, proc => stateMark(proc.state, proc.asOf)),
      words('start', 'Start', 7, 19, proc => proc.start),
      words('netns', 'Netns', 8, 10, proc => proc.netns ?? '?'),
      words('command', 'Command', 0, 16, proc => proc.command, {
        grow: true,
        tone: proc => (proc.asOf === undefined ? 'plain' : 'dim'),
      }),
    ],
    row: proc => ({
      id: `${proc.node} ${proc.pid} ${proc.start}`,
      opens: {name: 'process', words: [proc.words]},
      evidence: proc.evidence,
    }),
    empty,
  });
}

export function containerText(proc: ProcessRow): string {
  return proc.container ?? (proc.pod === undefined ? '' : '(sandbox)');
}
