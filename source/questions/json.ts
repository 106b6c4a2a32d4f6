import type {Answer} from './answer.ts';
import {type SocketList, socketAt} from './socket-rows.ts';

/** An answer as it is printed with `-o json`: sockets become rows, keys without a value are left out. */
export function toJson(answer: Answer): object {
  const entries = Object.entries(answer).map(([key, value]) => [key, isSocketList(value) ? rows(value) : value]);
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}

function isSocketList(value: unknown): value is SocketList {
  return typeof value === 'object' && value !== null && 'list' in value && value.list === 'sockets';
}

function rows(sockets: SocketList): object[] {
  return Array.from({length: sockets.count}, (_, i) => socketAt(sockets, i));
}
