/** What the API holds of one resource: read in pages, then followed by its raw watch. */

import type {Readable} from 'node:stream';
import {brief} from '../brief.ts';
import type {KubeClient} from './client.ts';
import {KubeError} from './error.ts';
import {type Refusal, refusalOf} from './sentences.ts';

export type ApiObject = Readonly<Record<string, unknown>>;
export type Page = {
  readonly items: readonly ApiObject[];
  readonly kind: string;
  readonly resourceVersion: string;
};

/** One resource was refused; the API itself answers. */
export class Refused extends Error {
  readonly status: number;
  readonly refusal: Refusal;
  constructor(status: number, refusal: Refusal) {
    super(brief(refusal.reason));
    this.name = 'Refused';
    this.status = status;
    this.refusal = {...refusal, reason: brief(refusal.reason)};
  }
}

/** Objects asked for at a time, as kubectl does. */
export const PAGE = 500;
/** Seconds of silence after which a list, and a watch, is given up. Servers send bookmarks about once a minute. */
const LIST_SILENCE = 30;
const WATCH_SILENCE = 150;
/** The server ends a watch after so long, between these two: not all of them at once. */
const WATCH_SECONDS = [240, 480] as const;
const PAGE_BYTES = 256_000_000;
const LINE_BYTES = 16_000_000;

/**
 * The pages of a list, all of one moment. Where the rest of it has expired meanwhile (410) it begins anew: `again` is
 * called, and what came before is void.
 */
export async function* pagesOf(
  client: KubeClient,
  path: string,
  again: () => void,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  let from = '';
  for (let restarts = 0; ; ) {
    // A list that cannot be finished in pages before it expires is asked for whole, as client-go does.
    const limit = restarts < 2 ? `limit=${PAGE}` : '';
    const query = [limit, from === '' ? '' : `continue=${encodeURIComponent(from)}`]
      .filter(Boolean)
      .join('&');
    const {status, body} = await client.get(
      `${path}${query === '' ? '' : `?${query}`}`,
      LIST_SILENCE,
      signal,
    );
    const answer = await objectOf(client, body, path);
    if (status === 410 && from !== '' && restarts < 2) {
      restarts += 1;
      from = '';
      again();
      continue;
    }
    if (status !== 200)
      throw new Refused(status, refusalOf(status, path, text(answer, 'message'), client.access));
    const metadata = inner(answer, 'metadata');
    const items = answer['items'];
    yield {
      items: Array.isArray(items) ? (items as ApiObject[]) : [],
      kind: text(answer, 'kind').replace(/List$/, ''),
      resourceVersion: text(metadata, 'resourceVersion'),
    };
    from = text(metadata, 'continue');
    if (from === '') return;
  }
}

export type Change =
  | {readonly type: 'set' | 'gone'; readonly object: ApiObject}
  | {readonly type: 'bookmark'};

/**
 * Follows a resource from `resourceVersion` on, calling `opened` when the server agrees to tell, and `take` with every
 * change and the version after it. Resolves
 * with `ended` when the server has let it run its time, with `expired` when the history it asks for is gone (410).
 * Rejects with a `KubeError` when it breaks off, with `Refused` when it may not be watched.
 */
export async function watchFrom(
  client: KubeClient,
  path: string,
  resourceVersion: string,
  opened: () => void,
  take: (change: Change, resourceVersion: string) => void,
  random: number,
  signal: AbortSignal,
): Promise<'ended' | 'expired'> {
  const [least, most] = WATCH_SECONDS;
  const query = new URLSearchParams({
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion,
    timeoutSeconds: `${Math.round(least + (most - least) * random)}`,
  });
  const {status, body} = await client.get(`${path}?${query}`, WATCH_SILENCE, signal);
  if (status === 410) {
    body.resume();
    return 'expired';
  }
  if (status !== 200) {
    const answer = await objectOf(client, body, path);
    throw new Refused(status, refusalOf(status, path, text(answer, 'message'), client.access));
  }
  opened();
  try {
    for await (const line of linesOf(body)) {
      const event = parsed(line);
      const type = event && text(event, 'type');
      const object = inner(event, 'object');
      if (type === 'ERROR') {
        const code = object['code'];
        if (code === 410 || text(object, 'reason') === 'Expired') return 'expired';
        throw new Refused(
          typeof code === 'number' ? code : 500,
          refusalOf(typeof code === 'number' ? code : 500, path, text(object, 'message'), client.access),
        );
      }
      const version = text(inner(object, 'metadata'), 'resourceVersion');
      // What cannot be understood may have been a change: all is listed anew.
      if (version === '') return 'expired';
      if (type === 'BOOKMARK') take({type: 'bookmark'}, version);
      else if (type === 'DELETED') take({type: 'gone', object}, version);
      else if (type === 'ADDED' || type === 'MODIFIED') take({type: 'set', object}, version);
    }
    return 'ended';
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw client.broken(error);
  } finally {
    body.destroy();
  }
}

async function objectOf(client: KubeClient, body: Readable, path: string): Promise<ApiObject> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > PAGE_BYTES)
        throw new KubeError(`The answer to ${path} is larger than ${PAGE_BYTES} bytes.`, true);
      parts.push(part);
    }
  } catch (error) {
    throw client.broken(error);
  }
  const answer = parsed(Buffer.concat(parts).toString('utf8'));
  if (answer) return answer;
  // A proxy in between answers in HTML: its status tells more than its text.
  return {};
}

async function* linesOf(body: Readable): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const part of body as AsyncIterable<Buffer>) {
    rest += decoder.decode(part, {stream: true});
    let from = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
      if (end > from) yield rest.slice(from, end);
      from = end + 1;
    }
    rest = rest.slice(from);
    if (rest.length > LINE_BYTES) throw new KubeError('The API sent one object of over 16 MB.', false);
  }
}

function parsed(line: string): ApiObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as ApiObject) : undefined;
  } catch {
    return undefined;
  }
}

function inner(object: ApiObject | undefined, key: string): ApiObject {
  const value = object?.[key];
  return typeof value === 'object' && value !== null ? (value as ApiObject) : {};
}

function text(object: ApiObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}
