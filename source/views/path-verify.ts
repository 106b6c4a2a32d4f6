import type {Probed, Verified} from '../questions/path-verify.ts';
import {figures, listTable, words} from './table.ts';
import {ms} from './units.ts';
import type {Cell, Table, Tone} from './view.ts';

type Decision = Verified['decisions'][number];

const TONES: Readonly<Record<Decision['verdict'], Tone>> = {
  agrees: 'good',
  disagrees: 'bad',
  'not asked': 'warn',
};

export function verifiedCell({agree, disagree, notAsked, decisions}: Verified): Cell {
  const unasked = notAsked > 0 ? `, ${notAsked} not asked` : '';
  if (disagree > 0)
    return {
      text: ` The kernel says otherwise of ${disagree} of ${decisions.length} decisions${unasked}.`,
      tone: 'bad',
    };
  if (agree === 0)
    return {text: ' The kernel was not asked: a recording holds only what was asked then.', tone: 'warn'};
  return {
    text: ` The kernel says the same of ${agree} decisions${unasked}.`,
    tone: notAsked > 0 ? 'warn' : 'good',
  };
}

/** Each routing decision beside the kernel's own word. */
export function verifiedTable({decisions}: Verified): Table {
  return listTable(decisions, {
    columns: [
      words('verdict', 'Kernel', 0, 6, one => one.verdict, {tone: one => TONES[one.verdict]}),
      words('place', 'Where', 0, 8, one => one.place, {max: 34}),
      words('worked', 'Worked out', 0, 10, one => one.worked),
      words('kernel', 'It says', 0, 10, one => one.kernel, {
        tone: one => (one.verdict === 'agrees' ? 'plain' : TONES[one.verdict]),
      }),
      words('line', 'Asked', 1, 20, one => (one.line === undefined ? '' : `ip ${one.line}`)),
    ],
    row: one => ({
      id: `${one.place} ${one.line ?? one.worked}`,
      opens: {name: 'routes', words: [one.place]},
      evidence: one.evidence,
    }),
    empty: 'No routing decision was worked out.',
  });
}

export function cameBack({sent, received, rtt}: Probed): string {
  return `${received} of ${sent} echo requests came back${rtt === undefined ? '' : ` (${ms(rtt)})`}`;
}

/** What came of the probe; `told`: how many came back was said before all else, since some were lost. */
export function probedCell(probed: Probed, told: boolean): Cell {
  const {sentence} = probed;
  const isFine = !told && !sentence.startsWith('Against');
  return {text: told ? ` ${sentence}` : ` ${cameBack(probed)}. ${sentence}`, tone: isFine ? 'good' : 'bad'};
}

const MOVES: Readonly<Record<Probed['links'][number]['moved'], Tone>> = {
  yes: 'good',
  no: 'bad',
  unknown: 'warn',
};

/** What each interface of the predicted way gained while echo requests were sent. */
export function probeTable(probed: Probed | undefined): Table {
  return listTable(probed?.links ?? [], {
    columns: [
      words('link', 'Link', 0, 10, one => one.link),
      words('way', 'Way', 0, 3, one => one.way),
      figures('gained', 'Packets gained', 0, 6, one => one.gained),
      figures('others', 'Of others', 1, 6, one => one.others),
      words('moved', 'Moved', 0, 5, one => one.moved, {tone: one => MOVES[one.moved]}),
    ],
    row: one => ({
      id: `${one.link} ${one.way}`,
      opens: {name: 'link', words: [one.link]},
      evidence: probed?.evidence ?? [],
    }),
    empty: probed
      ? 'No interface was predicted to be crossed.'
      : 'Nothing was sent: a recording cannot send, and live the answer has not come yet.',
  });
}
