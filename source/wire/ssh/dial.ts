/** Reaches nodes over SSH: configuration, jump hosts, one connection per node, one shell in it. */
import {homedir, hostname, userInfo} from 'node:os';
import type {Duplex} from 'node:stream';
import type {Prompter} from '../prompter.ts';
import {type Dial, DialError, type Report} from '../shell.ts';
import {resolveTarget, type SshFlags} from './config.ts';
import {readConfigs} from './config-files.ts';
import type {Link} from './connection.ts';
import {createJumps} from './jumps.ts';
import {createSecrets} from './secrets.ts';
import type {Where} from './sentences.ts';
import {openSocket} from './socket.ts';
import type {Target} from './target.ts';
import type {Person} from './tokens.ts';
import {createTrust} from './trust.ts';

export type SshOptions = {
  /** By node id: what was typed for it, or its parts. */
  readonly targets: ReadonlyMap<string, string | Target>;
  readonly flags: SshFlags;
  readonly prompter: Prompter;
  readonly home?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/**
 * A `Dial` over SSH. Configuration, keys and known hosts are read anew at every dial, so that what was mended counts
 * at the next try. Nodes behind the same jump hosts share one connection to them.
 */
export function sshDial(options: SshOptions): Dial {
  return createSsh(options).dial;
}

/** A stream to `host:port` that a node opens. Its connection is made when first asked for, and anew when it was lost. */
export type Onward = (
  node: string,
  host: string,
  port: number,
  report: Report,
  signal: AbortSignal,
) => Promise<Duplex>;

export function createSsh(options: SshOptions): {readonly dial: Dial; readonly onward: Onward} {
  const person = whoAmI(options);
  const trust = createTrust(options.prompter);
  const secrets = createSecrets(options.prompter);

  /** Connects to `where`: straight, or through the jump hosts in front of it. */
  const reach = async (where: Where, report: Report, signal: AbortSignal): Promise<Link> => {
    const {hop, through} = where;
    const jump = through.at(-1);
    const prepare = async () => {
      const {prepareEntry} = await import('./enter.ts');
      return prepareEntry({where, trust, secrets, report, signal});
    };
    if (jump === undefined) {
      report(`connecting to ${hop.host}`);
      // A server takes its time to greet; keys and known hosts are read meanwhile. Mistakes there are told at once.
      const opening = openSocket(where, signal);
      opening.catch(() => {});
      const enter = await prepare().catch((error: unknown) => {
        opening.then(
          socket => socket.destroy(),
          () => {},
        );
        throw error;
      });
      return enter(await opening);
    }
    const enter = await prepare();
    report(`through ${jump.alias}`);
    const lease = await jumps
      .take(through, (step, person) => report(`${jump.alias}: ${step}`, person), signal)
      .catch(ofNode(where.node));
    try {
      report(`connecting to ${hop.host} through ${jump.alias}`);
      const stream = await lease.link.forward(hop, signal).catch(ofNode(where.node));
      const link = await enter(stream, lease.link.lost);
      link.lost.then(lease.release);
      return {...link, warnings: [...lease.link.warnings, ...link.warnings]};
    } catch (error) {
      lease.release();
      throw error;
    }
  };

  const jumps = createJumps((hops, report, signal) =>
    reach({hop: hops.at(-1)!, through: hops.slice(0, -1)}, report, signal),
  );

  const whereIs = async (node: string): Promise<Where> => {
    const target = options.targets.get(node);
    if (target === undefined) throw new DialError(`There is no node called ${node}.`, true);
    const configs = readConfigs(options.flags['ssh-config'], person.home);
    const hops = resolveTarget(target, options.flags, configs, person);
    return {node, hop: hops.at(-1)!, through: hops.slice(0, -1)};
  };

  const onward: Onward = async (node, host, port, report, signal) => {
    const where = await whereIs(node);
    // As behind a jump host: all streams share one connection, which ends with the last of them.
    const lease = await jumps
      .take([...where.through, where.hop], (step, person) => report(`${node}: ${step}`, person), signal)
      .catch((error: unknown) => {
        throw asDialError(node, error);
      });
    try {
      const stream = await lease.link.forward({...where.hop, alias: host, host, port}, signal);
      stream.once('close', lease.release);
      return stream;
    } catch (error) {
      lease.release();
      throw error;
    }
  };

  const dial: Dial = async (node, command, report, signal) => {
    const where = await whereIs(node);
    const made = await reach(where, report, signal).catch((error: unknown) => {
      throw asDialError(node, error);
    });
    try {
      report('starting shell');
      const shell = await made.openShell(command, signal);
      shell.gone.then(made.end);
      return {
        ...shell,
        warnings: made.warnings,
        end: () => {
          shell.end();
          made.end();
        },
      };
    } catch (error) {
      made.end();
      throw error;
    }
  };

  return {dial, onward};
}

function whoAmI({home, env = process.env}: SshOptions): Person {
  const uid = process.getuid?.();
  return {
    user: localUser(env),
    home: home ?? homedir(),
    env,
    hostname: hostname(),
    ...(uid === undefined ? {} : {uid}),
  };
}

function localUser(env: Person['env']): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the password database, as in some containers.
    return env['USER'] ?? env['LOGNAME'] ?? 'root';
  }
}

/** Names the node in a sentence that is about a jump host in front of it, which other nodes may share. */
function ofNode(node: string | undefined): (error: unknown) => never {
  return error => {
    if (node === undefined || !(error instanceof DialError)) throw error;
    throw new DialError(`${node} cannot be reached. ${error.message}`, error.final);
  };
}

/** Whatever else is thrown on the way is a mistake of hoptop's own; the other nodes go on. */
function asDialError(node: string, error: unknown): DialError {
  if (error instanceof DialError) return error;
  return new DialError(
    `${node} cannot be reached: ${error instanceof Error ? error.message : String(error)}`,
  );
}
