/** What the person's own ssh said, as sentences with the next thing to try. Pure. */
import {DialError} from '../shell.ts';
import {clean} from './sentences.ts';

/** Complaints that dialling again does not mend: a person must do something first. */
const FINAL =
  /Permission denied|Host key verification failed|No .*host key is known|REMOTE HOST IDENTIFICATION|Too many authentication failures|no matching|Bad (configuration|owner)|terminating, \d+ bad|Bad escape|identity file|revoked/i;

/** ssh ended before it was in: 255, and its last words. */
export function refusedSentence(
  node: string,
  words: readonly string[],
  heard: string,
  asks: boolean,
): DialError {
  const lines = heard
    .split(/\r?\n/)
    .map(line => clean(line, 300))
    .filter(line => line !== '' && !/^@+$|^Warning: Permanently added/.test(line));
  const why = lines.slice(-3).join(' / ');
  const final = FINAL.test(heard);
  const help = asks
    ? ''
    : /Permission denied|Host key verification|host key is known/i.test(heard)
      ? " Nobody can be asked here (BatchMode): open hoptop's UI (--ui), or load the key with ssh-add."
      : '';
  return new DialError(
    `ssh did not get to ${node}${why === '' ? '' : ` (${why})`}: try \`${command(words)}\`.${help}`,
    final,
  );
}

/** ssh, or the shell in it, ended later. */
export function brokenSentence(
  node: string,
  words: readonly string[],
  status: number | null,
  killed: string | null,
): string {
  if (killed) return `The ssh process to ${node} was ended (${killed}).`;
  if (status === 255)
    return `The connection to ${node} broke. See whether \`${command(words)}\` still works.`;
  return `The shell on ${node} ended (exit ${status ?? 'unknown'}): see that this user's login shell runs commands, with \`${command(words)} true\`.`;
}

export function unrunnableSentence(
  node: string,
  ssh: string,
  words: readonly string[],
  error: unknown,
): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') {
    return `There is no program ${ssh} here to reach ${node} with: install the OpenSSH client, or leave --transport openssh out.`;
  }
  const why = clean(error instanceof Error ? error.message : String(error), 300);
  return `ssh cannot be asked how it reaches ${node} (${why}): try \`${command(words)}\`.`;
}

function command(words: readonly string[]): string {
  const shown = words
    .filter(word => word !== '--')
    .map(word => (/[\s"'$`\\]/.test(word) ? `'${word}'` : word));
  return ['ssh', ...shown].join(' ');
}
