import type {AccessAnswer, NodeAccess} from '../questions/access.ts';
import type {ReadRow} from '../questions/access-reads.ts';
import {figures, listTable, words} from './table.ts';
import {count} from './units.ts';
import type {Cell, Lines, Table, Tone, View} from './view.ts';

export function accessView({question, nodes, reads, api, grants}: AccessAnswer): Omit<View, 'gaps'> {
  const asRoot = nodes.filter(({uid}) => uid === 0).length;
  const less = nodes.filter(({partly, unread}) => partly + unread > 0).length;
  const [node] = question.words;
  return {
    title: node === undefined ? 'access' : `access ${node}`,
    summary: [
      {text: `${count(nodes.length, 'node')}, ${asRoot} read as root`},
      ...(less > 0 ? [{text: ` · ${less} not read whole`, tone: 'warn' as const}] : []),
    ],
    facets: [
      {key: 'nodes', title: 'Nodes', body: nodeTable(nodes)},
      {key: 'reads', title: 'Reads', body: readTable(reads)},
      {key: 'api', title: 'Kubernetes API', body: apiTable(api)},
      {key: 'grants', title: 'Rights that suffice', body: grantLines(grants)},
    ],
  };
}

const MEANS: Readonly<Record<NonNullable<NodeAccess['means']>, string>> = {
  login: 'login',
  sudo: 'sudo -n',
  'sudo-password': 'sudo with password',
  doas: 'doas -n',
  none: 'none',
};

const asWhom = ({uid}: NodeAccess) => (uid === undefined ? undefined : uid === 0 ? 'root' : `uid ${uid}`);

function nodeTable(nodes: readonly NodeAccess[]): Table {
  return listTable(nodes, {
    columns: [
      words('name', 'Node', 0, 8, node => node.name, {tone: () => 'strong', max: 40}),
      words('state', 'State', 2, 5, node => node.state),
      words('user', 'Login', 1, 5, node => node.user, {max: 24}),
      words('uid', 'Reads as', 0, 8, asWhom, {tone: node => (node.uid === 0 ? 'good' : 'warn')}),
      words('means', 'By', 0, 4, node => node.means && MEANS[node.means]),
      figures('whole', 'Whole', 1, 5, node => (node.uid === undefined ? undefined : node.whole)),
      figures('partly', 'Partly', 1, 6, node => (node.uid === undefined ? undefined : node.partly), {
        tone: node => (node.partly > 0 ? 'warn' : 'plain'),
      }),
      figures('unread', 'Not', 1, 3, node => (node.uid === undefined ? undefined : node.unread), {
        tone: node => (node.unread > 0 ? 'bad' : 'plain'),
      }),
      ...(nodes.some(({refusals}) => refusals.length > 0)
        ? [
            words<NodeAccess>('why', 'Why not more', 1, 12, node => node.refusals.join('; '), {
              grow: true,
              readable: 30,
            }),
          ]
        : []),
    ],
    row: node => ({
      id: node.name,
      opens: {name: 'node', words: [node.name]},
      evidence: node.evidence,
    }),
    empty: 'No node was asked to be read: name some with --nodes.',
  });
}

const TONES: Readonly<Record<ReadRow['status'], Tone>> = {
  read: 'good',
  partly: 'warn',
  refused: 'bad',
  failed: 'bad',
  nothing: 'dim',
  unasked: 'dim',
};

const HOW: Readonly<Record<ReadRow['status'], string>> = {
  read: 'yes',
  partly: 'partly',
  refused: 'no right',
  failed: 'failed',
  nothing: 'nothing there',
  unasked: 'when asked',
};

function readTable(reads: readonly ReadRow[]): Table {
  return listTable(reads, {
    columns: [
      words('node', 'Node', 0, 8, row => row.node, {max: 40}),
      words('fact', 'Fact', 0, 8, row => row.fact, {tone: () => 'strong'}),
      words('reader', 'Reader', 3, 8, row => row.reader),
      words('status', 'Read', 0, 6, row => HOW[row.status], {tone: row => TONES[row.status]}),
      words(
        'namespaces',
        'Netns',
        1,
        5,
        row => row.namespaces && `${row.namespaces.read}/${row.namespaces.of}`,
      ),
      words('root', 'Root', 2, 4, row => (row.rights ? 'sees more' : ''), {tone: () => 'warn'}),
      words('why', 'Why', 1, 12, row => whyOf(row), {grow: true, readable: 30}),
    ],
    row: row => ({id: `${row.node} ${row.fact}`, opens: {name: 'node', words: [row.node]}}),
    empty: 'Nothing was read yet.',
  });
}

function whyOf({reasons, rights, withoutRoot}: ReadRow): string | undefined {
  // The reader's own word on it says the same as the many refusals.
  if (rights && withoutRoot !== undefined) return `without root: ${withoutRoot}`;
  const [first, ...more] = reasons;
  return first && `${first}${more.length > 0 ? ` (${count(more.length, 'more reason')})` : ''}`;
}

function apiTable({asked, resources}: AccessAnswer['api']): Table {
  return listTable(asked ? resources : [], {
    columns: [
      words('resource', 'Resource', 0, 8, row => row.resource, {tone: () => 'strong'}),
      words('group', 'Group', 1, 5, row => row.group || 'core'),
      words('read', 'Read', 0, 4, row => (row.read ? 'yes' : 'no'), {
        tone: row => (row.read ? 'good' : 'bad'),
      }),
      words('why', 'Why', 1, 12, row => row.reasons[0], {grow: true, readable: 30}),
    ],
    row: row => ({id: row.resource}),
    empty: 'It was not asked: --kubeconfig FILE, --context NAME or --kube-via NODE have it asked.',
  });
}

/** Comments and lines to paste: what `#` begins is a comment in sudoers, doas.conf and YAML alike. */
function grantLines(grants: AccessAnswer['grants']): Lines {
  const comment = (text: string, tone: Tone = 'dim'): Cell[][] =>
    wrapped(text).map(line => [{text: `# ${line}`, tone}]);
  return {
    type: 'lines',
    lines: grants.flatMap(({file, nodes, lines, amountsToRoot, why, check}, i) => [
      ...(i > 0 ? [[]] : []),
      ...comment(`${file}${nodes.length > 0 ? ` on ${nodes.join(', ')}` : ''}; to check it: ${check}`),
      ...comment(
        `${amountsToRoot ? 'AMOUNTS TO ROOT' : 'Does not amount to root'}: ${why}`,
        amountsToRoot ? 'bad' : 'dim',
      ),
      ...lines.map(line => [{text: line}]),
    ]),
  };
}

/** Lines that fit into 80 columns behind their sign; sudoers and the others have comments of one line only. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 75) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
