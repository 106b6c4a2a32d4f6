/** Holds the text of a million sockets and parses it when told, as hoptop's worker does. */
import {parentPort, workerData} from 'node:worker_threads';
import {parseSockets} from '../../source/facts/sockets.ts';
import {capturedSockets, manySockets, withoutInfo} from './crowd-text.ts';
import {naiveSockets} from './naive-sockets.ts';

type Data = {files: string[]; info: boolean; sockets: number; namespaces: number};
const {files, info, sockets, namespaces} = workerData as Data;
const captured = files.flatMap(capturedSockets);
const samples = info ? captured : withoutInfo(captured);
const each = sockets / namespaces;
const parts = Array.from({length: namespaces}, (_, i) => ({
  netns: String(4026532000 + i),
  out: manySockets(samples, i * each, each),
}));

parentPort!.on('message', (what: 'parse' | 'naive') => {
  if (what === 'naive') {
    // A tenth of it: objects for all of it would not fit into the heap.
    const start = performance.now();
    let count = 0;
    const rows = [];
    for (const {out} of parts.slice(0, namespaces / 10)) rows.push(naiveSockets(out));
    for (const part of rows) count += part.length;
    parentPort!.postMessage({ms: (performance.now() - start) * 10, count: count * 10});
    return;
  }
  const before = process.threadCpuUsage();
  const start = performance.now();
  const {table, problems} = parseSockets(parts);
  const ms = performance.now() - start;
  const {user, system} = process.threadCpuUsage(before);
  parentPort!.postMessage({
    ms,
    cpu: (user + system) / 1000,
    count: table.count,
    bytes: table.local.buffer.byteLength,
    problems: problems.length,
  });
});
parentPort!.postMessage({ready: true, bytes: parts.reduce((sum, {out}) => sum + out.length, 0)});
