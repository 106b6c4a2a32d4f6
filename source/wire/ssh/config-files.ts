/** Reads ssh's configuration files, and those they include, as ssh(1) does. */
import {lstatSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {dirname, isAbsolute, join} from 'node:path';
import {DialError} from '../shell.ts';
import {globMatches} from './patterns.ts';
import type {ConfigText} from './settings.ts';

/** The machine's configuration; a relative Include in it means files beside it. */
const SYSTEM = '/etc/ssh/ssh_config';

/**
 * The person's file, then the machine's; with `given` (-F) only that one, `none` reads none. Included files are read
 * when they are asked for. Throws a final `DialError` for one that cannot be read or that others may write to.
 */
export function readConfigs(given: string | undefined, home: string): ConfigText[] {
  if (given?.toLowerCase() === 'none') return [];
  const own = join(home, '.ssh');
  if (given !== undefined) {
    const only = readConfig(given, {home, beside: own, guarded: false, needed: true});
    return only ? [only] : [];
  }
  const files = [
    readConfig(join(own, 'config'), {home, beside: own, guarded: true, needed: false}),
    readConfig(SYSTEM, {beside: dirname(SYSTEM), guarded: false, needed: false}),
  ];
  return files.filter(file => file !== undefined);
}

type Manner = {
  /** What `~` means in an Include; absent in the machine's file, where it means nothing. */
  readonly home?: string;
  /** Where a relative Include points to. */
  readonly beside: string;
  /** Whether a file that others may write to is refused. */
  readonly guarded: boolean;
  readonly needed: boolean;
};

function readConfig(file: string, manner: Manner): ConfigText | undefined {
  let text: string;
  try {
    if (manner.guarded) guard(file);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof DialError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT' && !manner.needed) return undefined;
    throw new DialError(
      `${file} cannot be read as ssh's configuration (${code}); name another with -F, or none.`,
      true,
    );
  }
  const {home, beside} = manner;
  const include = (pattern: string) =>
    expandGlob(whole(pattern, home, beside)).flatMap(found => {
      const config = readConfig(found, {...manner, guarded: home !== undefined, needed: false});
      return config ? [config] : [];
    });
  return {file, text, include};
}

function whole(pattern: string, home: string | undefined, beside: string): string {
  if (home !== undefined && (pattern === '~' || pattern.startsWith('~/')))
    return join(home, pattern.slice(1));
  return isAbsolute(pattern) ? pattern : join(beside, pattern);
}

/** As ssh does: who can write to this file could send the person anywhere. */
function guard(file: string): void {
  const {uid, mode} = statSync(file);
  if ((uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0) return;
  throw new DialError(
    `Others than you may write to ${file}, so ssh does not read it and hoptop neither: run \`chmod go-w ${file}\`.`,
    true,
  );
}

/** glob(7) without its rarer half: `*` and `?` within one part of a path, never a leading dot; sorted. */
function expandGlob(pattern: string): string[] {
  let found = ['/'];
  for (const part of pattern.split('/').filter(each => each !== '')) {
    if (!/[*?]/.test(part)) found = found.map(path => join(path, part)).filter(exists);
    else
      found = found.flatMap(path =>
        namesIn(path)
          .filter(fits(part))
          .map(name => join(path, name)),
      );
  }
  return found;
}

function fits(part: string): (name: string) => boolean {
  return name => (!name.startsWith('.') || part.startsWith('.')) && globMatches(part, name);
}

function exists(path: string): boolean {
  return lstatSync(path, {throwIfNoEntry: false}) !== undefined;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}
