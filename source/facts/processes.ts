import type {Span} from './evidence.ts';

/** One process. Identity on a node is (pid, start). */
export type Process = Span & {
  readonly pid: number;
  readonly ppid: number;
  readonly user: string;
  /** Text that changes when the pid is reused; ISO 8601 where the node's clock is known, else as the tool prints it. */
  readonly start: string;
  /** One letter and its modifiers, as `ps -o stat` prints them (`ps(1)`). */
  readonly state: string;
  /** The executable's short name (`comm`, up to 15 characters). */
  readonly name: string;
  /** The command line, arguments separated by one space; in brackets when it has none. */
  readonly command: string;
};
