/** hoptop's flags as words for ssh(1). Pure. */
import {quoted} from '../script.ts';
import type {SshFlags} from './config.ts';
import {parseJumps, type Target} from './target.ts';

/** The words that lead to a node; the last two are `--` and the host. `asks`: whether a jump host may ask something. */
export function sshWords(ssh: string, to: Target, flags: SshFlags, asks: boolean): string[] {
  const whole = {...to, ...loginOf(to, flags)};
  return [...sharedWords(flags), ...jumpWords(ssh, whole, flags, asks), ...hostWords(whole)];
}

/** The same as a person would type it. */
export function typedWords(to: Target, flags: SshFlags): string[] {
  const by = to.jump ?? flags.jump;
  const jump = by === undefined ? [] : ['-J', by];
  return [...sharedWords(flags), ...jump, ...hostWords({...to, ...loginOf(to, flags)})];
}

function loginOf({user, port}: Target, flags: SshFlags): Omit<Target, 'host'> {
  const login = user ?? flags.login;
  const to = port ?? (flags.port === undefined ? undefined : Number(flags.port));
  return {...(login === undefined ? {} : {user: login}), ...(to === undefined ? {} : {port: to})};
}

function hostWords({host, user, port}: Target): string[] {
  return [
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
  ];
}

/** What counts for every host on the way. */
function sharedWords(flags: SshFlags): string[] {
  const knownHosts = flags['known-hosts'];
  return [
    ...(flags['ssh-config'] === undefined ? [] : ['-F', flags['ssh-config']]),
    ...(flags.identity ?? []).flatMap(file => ['-i', file]),
    ...(knownHosts === undefined
      ? []
      : ['-o', `UserKnownHostsFile="${knownHosts}"`, '-o', 'GlobalKnownHostsFile=/dev/null']),
  ];
}

/**
 * The way through `--jump`. ssh's own -J would give the jump hosts neither -i nor the file of host keys, and refuses a
 * node that is itself one of them: the same is written out as ProxyCommands, one within the other.
 */
function jumpWords(ssh: string, to: Target, flags: SshFlags, asks: boolean): string[] {
  const jump = to.jump ?? flags.jump;
  if (jump === undefined) return [];
  const all = parseJumps(jump);
  const self = all.findIndex(
    ({host, user, port = 22}) =>
      host === to.host &&
      port === (to.port ?? 22) &&
      (user === undefined || to.user === undefined || user === to.user),
  );
  let command: string | undefined;
  for (const {host, user, port} of self < 0 ? all : all.slice(0, self)) {
    const words = [
      ssh,
      ...sharedWords(flags),
      ...(asks ? [] : ['-o', 'BatchMode=yes']),
      ...(command === undefined ? [] : ['-o', `ProxyCommand=${command}`]),
      ...(user === undefined ? [] : ['-l', user]),
      ...(port === undefined ? [] : ['-p', String(port)]),
    ];
    command = `${words.map(inCommand).join(' ')} -W '[%h]:%p' -- ${inCommand(host)}`;
  }
  return ['-o', command === undefined ? 'ProxyJump=none' : `ProxyCommand=${command}`];
}

/** For the shell that ssh runs a ProxyCommand with, and for ssh, which fills tokens in before. */
function inCommand(word: string): string {
  return quoted(word).replaceAll('%', '%%');
}
