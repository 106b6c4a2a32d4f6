import type {Readable, Writable} from 'node:stream';
import {brief} from './brief.ts';

/** A POSIX shell running on a node (or here), reached somehow, with its three streams. */
export type Shell = {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves, never rejects, once the shell or the link to it is gone, with a sentence saying why. */
  readonly gone: Promise<string>;
  /** What the person has to know about the way there, each a sentence: shown as long as it is used. */
  readonly warnings?: readonly string[];
  end(): void;
};

/** Why a node could not be reached, as a sentence with the next thing to try. */
export class DialError extends Error {
  /** True when dialling again cannot mend it (a changed host key, a refused key): wait for the user instead. */
  readonly final: boolean;
  constructor(sentence: string, final = false) {
    super(brief(sentence));
    this.name = 'DialError';
    this.final = final;
  }
}

/**
 * Told each step of a dial in words. `person`: it goes on only when somebody at the terminal answers, which may take
 * long; meanwhile others may dial.
 */
export type Report = (step: string, person?: 'person') => void;

/**
 * Reaches a node and starts `command` there through the login shell. `report` is told each step in words. Rejects
 * with a `DialError`.
 */
export type Dial = (node: string, command: string, report: Report, signal: AbortSignal) => Promise<Shell>;
