/** What went wrong on the way to a node, as sentences for the person who has to mend it. Pure. */
import type {Hop} from './config.ts';

/** Where on the way to a node something happened. */
export type Where = {
  readonly hop: Hop;
  /** The node's id where `hop` is the node itself; absent for a jump host, which several nodes may share. */
  readonly node?: string;
  /** The jump hosts in front of it, nearest to us first. */
  readonly through: readonly Hop[];
};

/** e.g. `node-1 (10.0.0.1:22)`, `the jump host bastion (10.0.0.9:22)`. */
export function at({hop, node}: Where): string {
  const name = node ?? hop.alias;
  const address = hop.host.includes(':') ? `[${hop.host}]:${hop.port}` : `${hop.host}:${hop.port}`;
  const shown =
    name.includes(hop.host) && (hop.port === 22 || name.endsWith(`:${hop.port}`))
      ? name
      : `${name} (${address})`;
  return node === undefined ? `the jump host ${shown}` : shown;
}

/** The ssh command that goes the same way, to paste. */
export function sshCommand({hop, through}: Where): string {
  const jump = through.map(
    ({user, host, port}) => `${user}@${bracket(host)}${port === 22 ? '' : `:${port}`}`,
  );
  return [
    'ssh',
    ...(jump.length > 0 ? ['-J', jump.join(',')] : []),
    ...(hop.port === 22 ? [] : ['-p', String(hop.port)]),
    `${hop.user}@${hop.host}`,
  ].join(' ');
}

/** Why no TCP connection came about, from the socket's error. */
export function connectSentence(where: Where, error: unknown): string {
  const {hop} = where;
  const [code, message] = codeOf(error);
  switch (code) {
    case 'ECONNREFUSED':
      return `${begin(where)} refuses connections on port ${hop.port}: see that sshd runs there and listens on that port (-p, or Port in ~/.ssh/config).`;
    case 'ETIMEDOUT':
      return silentSentence(where, hop.connectTimeout);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return `There is no route from here to ${at(where)} (${code}): check the address, or name a jump host with -J.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return `The name ${hop.host} of ${at(where)} cannot be resolved (${code}): check its spelling, or give it a HostName in ~/.ssh/config.`;
    case 'ECONNRESET':
    case 'EPIPE':
      return droppedSentence(where);
    case 'EACCES':
    case 'EPERM':
      return `This machine does not allow connecting to ${at(where)} (${code}): look for a firewall rule here.`;
    default:
      return `${begin(where)} cannot be connected to: ${clean(message)}. Try \`${sshCommand(where)}\`.`;
  }
}

export function silentSentence(where: Where, seconds: number): string {
  return `${begin(where)} did not answer within ${seconds} s: it may be down, or a firewall drops port ${where.hop.port}. Try \`${sshCommand(where)}\`, or a jump host with -J.`;
}

export function muteSentence(where: Where, seconds: number): string {
  return `${begin(where)} accepted the connection but did not finish the SSH handshake within ${seconds} s: it is overloaded, or port ${where.hop.port} is not sshd's. Try \`${sshCommand(where)}\`.`;
}

export function droppedSentence(where: Where): string {
  return `${begin(where)} closed the connection before the SSH handshake was done: sshd limits new connections (MaxStartups, PerSourcePenalties), or port ${where.hop.port} is not sshd's. Wait a little, or try \`${sshCommand(where)}\`.`;
}

export function notSshSentence(where: Where, said: string): string {
  const heard = said === '' ? '' : ` (it said "${clean(said, 60)}")`;
  return `What listens on port ${where.hop.port} of ${at(where)} is not an SSH server${heard}: check the port (-p, or Port in ~/.ssh/config).`;
}

/** Why a jump host did not open the way onwards; `reason` is RFC 4254's code (section 5.1). */
export function forwardSentence(jump: Where, onward: Hop, reason: unknown, message: string): string {
  const to = `${bracket(onward.host)}:${onward.port}`;
  if (reason === 1) {
    return `${begin(jump)} does not let connections pass to ${to}: set AllowTcpForwarding and PermitOpen in its sshd_config, or take another jump host.`;
  }
  const why = clean(message.replace(/^\(SSH\) Channel open failure: /, ''));
  return `${begin(jump)} could not connect to ${to} (${why || 'no reason given'}): see whether sshd runs there and ${jump.hop.alias} can reach it.`;
}

/** Why the handshake failed, from the protocol's error message. `stage` is how far it had come. */
export function handshakeSentence(where: Where, message: string): string {
  const what = /no matching (.+)$/.exec(message)?.[1];
  if (what !== undefined) {
    return `${begin(where)} and hoptop have no ${clean(what)} in common: its SSH server is too old or too restricted. Enable a current algorithm there (curve25519-sha256 or ecdh-sha2-nistp256, aes128-gcm@openssh.com, an ed25519 or rsa-sha2 host key), or take a jump host.`;
  }
  return `The SSH handshake with ${at(where)} failed: ${clean(message)}. Try \`${sshCommand(where)}\`.`;
}

export type AuthFailure = {
  /** The keys that were offered, in words. */
  readonly tried: readonly string[];
  /** Sentences on keys that could not be used. */
  readonly notes: readonly string[];
  /** What the server accepts instead, where it does not take public keys or wants more than one proof. */
  readonly wants?: readonly string[];
  readonly partial?: boolean;
  /** The server cut us off after so many keys. */
  readonly tooMany?: boolean;
  /** The person cancelled a question. */
  readonly gaveUp?: boolean;
  /** Whether something that a person typed was sent. */
  readonly answered?: boolean;
  /** Whether anybody can be asked. */
  readonly asks?: boolean;
  /** False where the host key is in doubt, so that no secret was asked for. */
  readonly trusted?: boolean;
};

/** Proofs that a person gives. */
const ASKED = ['password', 'keyboard-interactive'];

export function authSentence(where: Where, failure: AuthFailure): string {
  const {tried, notes, wants, partial, tooMany, gaveUp, answered, asks, trusted} = failure;
  const {user} = where.hop;
  const who = `${user} on ${at(where)}`;
  const more = notes.length > 0 ? ` ${notes.join(' ')}` : '';
  const asked = wants?.filter(method => ASKED.includes(method)) ?? [];
  /** What to do where the server wants what only a person can give, or a proof that hoptop does not have. */
  const next = () => {
    if (asked.length === 0) return 'use --transport openssh, if your own ssh can give that';
    if (trusted === false) return 'its host key is in doubt, so nothing was asked for: mend that first';
    if (asks === false)
      return "open hoptop's UI (--ui), which asks for it; a command that prints asks nobody";
    return `see that \`${sshCommand(where)}\` gets in`;
  };
  if (gaveUp) {
    return `You did not answer what ${at(where)} wants from ${user} (${list(wants)}): dial again to be asked again, or name a key with -i.${more}`;
  }
  if (partial) {
    return `${begin(where)} took a key for ${user} but wants a second proof (${list(wants)}): ${next()}.${more}`;
  }
  if (wants && wants.length > 0 && !wants.includes('publickey')) {
    if (answered) return `${begin(where)} did not accept ${list(tried)} for ${user}: ${next()}.${more}`;
    return `${begin(where)} takes no keys for ${user}, only ${list(wants)}: ${next()}.${more}`;
  }
  if (tried.length === 0) {
    const or = asked.length > 0 && (asks === false || trusted === false) ? `; or ${next()}` : '';
    return `There is no key to log in with as ${who}: name one with -i, or load it into the agent with ssh-add${or}.${more}`;
  }
  if (tooMany) {
    return `${begin(where)} cut the login of ${user} off after ${tried.length} ${tried.length === 1 ? 'attempt' : 'keys'} (${list(tried)}): name the right one with -i and set IdentitiesOnly yes in ~/.ssh/config.${more}`;
  }
  return `${begin(where)} does not accept for ${user} any key that was tried (${list(tried)}): add one to that user's authorized_keys, name another with -i or another user with -l.${more}`;
}

/** Why no shell could be started on an open connection. */
export function execSentence(where: Where, reason: unknown, message: string): string {
  if (reason !== undefined && reason !== '') {
    return `${begin(where)} opens no session (${clean(message.replace(/^\(SSH\) Channel open failure: /, ''))}): look at MaxSessions in its sshd_config.`;
  }
  if (/Unable to exec/.test(message)) {
    return `${begin(where)} refuses to run a command for ${where.hop.user}: look at ForceCommand and the key's options there. Try \`${sshCommand(where)} true\`.`;
  }
  return `No shell came up on ${at(where)}: ${clean(message)}. Try \`${sshCommand(where)} true\`.`;
}

/** Why an open connection ended, from ssh2's error if there was one. */
export function lostSentence(
  where: Where,
  error: (Error & {level?: string; code?: unknown}) | undefined,
): string {
  if (error === undefined) {
    return `${begin(where)} closed the connection: sshd or the machine was stopped, or something between ended it. See whether \`${sshCommand(where)}\` still works.`;
  }
  if (error.level === 'client-timeout') {
    return `${begin(where)} has not answered for ${where.hop.alive.every * (where.hop.alive.most + 1)} s: the machine hangs or the network between is gone. See whether it answers to ping.`;
  }
  return `The connection to ${at(where)} broke (${clean(error.message)}). See whether \`${sshCommand(where)}\` still works.`;
}

/** Why a shell ended although its connection stands: `exit` is its status, `signal` what killed it. */
export function endedSentence(
  where: Where,
  exit: number | null | undefined,
  signal: string | undefined,
): string {
  const shell = `The shell of ${where.hop.user} on ${at(where)}`;
  if (signal) return `${shell} was killed (${clean(signal)}): someone ended it there, or memory ran out.`;
  const how = exit === undefined || exit === null ? 'without a status' : `exit ${exit}`;
  return `${shell} ended (${how}): see that this user's login shell runs commands, with \`${sshCommand(where)} true\`.`;
}

/** Remote text in one line without control characters, cut short: it goes to a terminal. */
export function clean(text: string, most = 200): string {
  const line = text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

/** `at`, to begin a sentence with: a jump host's is capitalised, a node's name stays as it is. */
function begin(where: Where): string {
  return at(where).replace(/^the jump/, 'The jump');
}

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function list(items: readonly string[] | undefined): string {
  return clean((items ?? []).join(', '), 400);
}

/** Node tries several addresses of a name and then throws all their errors in one. */
function codeOf(error: unknown): readonly [code: string, message: string] {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors.at(-1));
  if (!(error instanceof Error)) return ['', String(error)];
  return ['code' in error && typeof error.code === 'string' ? error.code : '', error.message];
}
