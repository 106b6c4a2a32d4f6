import type {Answer} from './answer.ts';
import {type SocketList, socketAt} from './socket-rows.ts';

/** An answer as it is printed with `-o json`: sockets become rows, keys without a value are left out. */
export function toJson(answer: Answer): object {
  const entries: [string, unknown][] = Object.entries(answer).map(([key, value]) => [
    key,
    isSocketList(value) ? rows(value) : value,
  ]);
  return Object.fromEntries(entries.map(([key, value]) => [key, known(value)]));
}

/** Plain data without the keys whose value is undefined. */
function known(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(known);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, known(inner)]));
}

function isSocketList(value: unknown): value is SocketList {
  return typeof value === 'object' && value !== null && 'list' in value && value.list === 'sockets';
}

function rows(sockets: SocketList): object[] {
  return Array.from({length: sockets.count}, (_, i) => socketAt(sockets, i));
}
