/** ssh's values as hoptop means them, each with ssh's default or a stated reason for another. Pure. */
import {DialError} from '../shell.ts';
import {globMatches} from './patterns.ts';
import type {Settings} from './settings.ts';

/**
 * What to do about a host key that is not known: refuse it, ask the person, or add it. `off` adds it, and lets also a
 * changed key pass, with a warning (StrictHostKeyChecking no).
 */
export type HostKeyCheck = 'refuse' | 'ask' | 'add' | 'off';

/** RFC 4252 and RFC 4256. */
export type Method = 'publickey' | 'keyboard-interactive' | 'password';

/** ssh waits as long as the kernel does; a screen does not. */
export const CONNECT_TIMEOUT = 10;
/** ssh sends no signs of life by default; a screen that says "live" needs them. */
const ALIVE = {every: 5, most: 3};
const PROMPTS = 3;

export function hostKeyCheckOf({one}: Settings): HostKeyCheck {
  switch (one('stricthostkeychecking')?.toLowerCase()) {
    case 'yes':
    case 'true':
      return 'refuse';
    case 'accept-new':
      return 'add';
    case 'no':
    case 'false':
    case 'off':
      return 'off';
    default:
      // BatchMode asks nothing.
      return yes(one('batchmode')) ? 'refuse' : 'ask';
  }
}

/** The methods that are not switched off, in the person's order, else in ssh's. */
export function methodsOf({one}: Settings): readonly Method[] {
  const usual: readonly Method[] = ['publickey', 'keyboard-interactive', 'password'];
  const on = (method: Method) => {
    const keyword = {
      publickey: 'pubkeyauthentication',
      'keyboard-interactive': 'kbdinteractiveauthentication',
      password: 'passwordauthentication',
    } as const;
    // `unbound` and `host-bound` are also yes (ssh_config(5), PubkeyAuthentication).
    return !/^(no|false)$/i.test(one(keyword[method]) ?? 'yes');
  };
  const preferred = one('preferredauthentications')?.toLowerCase().split(',');
  const order = preferred ? preferred.flatMap(name => usual.filter(method => method === name)) : usual;
  return order.filter(on);
}

export function promptsOf({one}: Settings): number {
  if (yes(one('batchmode'))) return 0;
  const most = one('numberofpasswordprompts');
  return most !== undefined && /^\d{1,3}$/.test(most) ? Number(most) : PROMPTS;
}

export function aliveOf({one}: Settings): {readonly every: number; readonly most: number} {
  const most = one('serveralivecountmax');
  return {
    every: seconds(one('serveraliveinterval')) ?? ALIVE.every,
    most: most !== undefined && /^\d{1,4}$/.test(most) ? Number(most) : ALIVE.most,
  };
}

export function familyOf({one}: Settings): 0 | 4 | 6 {
  switch (one('addressfamily')?.toLowerCase()) {
    case 'inet':
      return 4;
    case 'inet6':
      return 6;
    default:
      return 0;
  }
}

/** `90`, `90s`, `2m`, `1h30m`: sshd_config(5), TIME FORMATS. Undefined for anything else, e.g. `none`. */
export function seconds(value: string | undefined): number | undefined {
  if (value === undefined || !/^(\d+[smhdw]?)+$/i.test(value)) return undefined;
  const units: Readonly<Record<string, number>> = {'': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800};
  let sum = 0;
  for (const [, count, unit] of value.matchAll(/(\d+)([smhdw]?)/gi))
    sum += Number(count) * (units[unit!.toLowerCase()] ?? 1);
  return sum;
}

export function yes(value: string | undefined): boolean {
  return value !== undefined && /^(yes|true)$/i.test(value);
}

/** What hoptop's SSH library can verify, in OpenSSH's order of preference. The last two are SHA-1: only on request. */
const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;
const ON_REQUEST = ['ssh-rsa', 'ssh-dss'];

/**
 * Algorithms to offer for the server's proof (HostKeyAlgorithms; `+`, `-` and `^` before a list add to the default,
 * take away from it, or go before it). Those of `known` key types come first unless the person gave an order: the
 * server then proves itself with a key that can be compared. Throws a final `DialError` when none is left.
 */
export function hostKeyAlgorithms(
  configured: string | undefined,
  known: readonly string[],
  host: string,
): string[] {
  const usual: readonly string[] = HOST_KEY_ALGORITHMS;
  const mode = /^[+^-]/.exec(configured ?? '')?.[0] ?? '';
  const patterns = (configured ?? '').slice(mode.length).split(',').filter(Boolean);
  const named = patterns.flatMap(pattern =>
    [...usual, ...ON_REQUEST].filter(algorithm => globMatches(pattern, algorithm)),
  );
  const unique = (list: readonly string[]) => [...new Set(list)];
  const knownFirst = (list: readonly string[]) =>
    unique([...list.filter(algorithm => known.includes(keyTypeOf(algorithm))), ...list]);
  const chosen =
    configured === undefined
      ? knownFirst(usual)
      : mode === '+'
        ? knownFirst([...usual, ...named])
        : mode === '-'
          ? knownFirst(usual.filter(algorithm => !named.includes(algorithm)))
          : mode === '^'
            ? unique([...named, ...usual])
            : unique(named);
  if (chosen.length > 0) return chosen;
  throw new DialError(
    `HostKeyAlgorithms for ${host} (${configured}) names none that hoptop can verify (${usual.join(', ')}): add one of them, or use --transport openssh.`,
    true,
  );
}

/** RSA keys sign in three ways under one type. */
function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}
