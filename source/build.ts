/**
 * Bundles the program into `dist/`: the front door, the worker, and chunks that load only when needed (ssh2, Ink).
 * One bundle starts several times faster than a tree of modules. `node source/build.ts FOLDER` builds into another
 * folder, for tests that must not see it change under them.
 */
import {readFile, rm} from 'node:fs/promises';
import {resolve} from 'node:path';
import {build, type Plugin} from 'esbuild';

const {version} = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const root = new URL('..', import.meta.url).pathname;
const outdir = resolve(process.argv[2] ?? `${root}dist`);

/** ssh2's client loads what sends and fetches files; hoptop never does. */
const withoutSftp: Plugin = {
  name: 'without-sftp',
  setup({onResolve, onLoad}) {
    onResolve({filter: /^\.\/protocol\/SFTP\.js$/}, ({path}) => ({path, namespace: 'without-sftp'}));
    onLoad({filter: /./, namespace: 'without-sftp'}, () => ({contents: 'exports.SFTP = class {}'}));
  },
};

await rm(outdir, {recursive: true, force: true});
await build({
  absWorkingDir: root,
  entryPoints: {hoptop: 'source/cli.tsx', worker: 'source/worker.ts'},
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  sourcemap: 'linked',
  jsx: 'automatic',
  plugins: [withoutSftp],
  define: {'process.env.NODE_ENV': '"production"', HOPTOP_VERSION: JSON.stringify(version)},
  // Ink imports the devtools only when DEV=true is set; ssh2's native parts are optional and we never build them.
  alias: {'react-devtools-core': './source/ui/no-devtools.ts'},
  external: ['*.node', 'cpu-features'],
  // CommonJS dependencies (ssh2) ask for these. Every chunk begins so, and one `require` does for all.
  banner: {
    js: [
      "import {createRequire as __hoptopRequire} from 'node:module';",
      'const require = (globalThis.__hoptopRequire ??= __hoptopRequire(import.meta.url));',
      'const __filename = import.meta.filename;',
      'const __dirname = import.meta.dirname;',
    ].join('\n'),
  },
});
