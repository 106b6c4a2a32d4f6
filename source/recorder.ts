import {redact, redactText} from './facts/catalogue.ts';
import {VERSION} from './version.ts';
import {createRecorder} from './wire/recorder.ts';

/** A recorder that lets no secret through: the facts' own redactors stand before the file. */
export function newRecorder(
  file: string,
  label: string,
  nodes: readonly string[],
  failed: (why: string) => void,
) {
  return createRecorder(file, {redact, redactText, label, nodes, version: VERSION, clock: Date.now, failed});
}
