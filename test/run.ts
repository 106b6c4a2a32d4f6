/**
 * The one test command: types, lint and format, the build, then every test. Prints what was skipped and why, and
 * closes with the plain line `N passed, N failed, N skipped`. In CI a skip is a failure.
 */
import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {readonly fullName: string; readonly status: string}[];
  }[];
};

const root = new URL('..', import.meta.url).pathname;
const bin = (name: string) => join(root, 'node_modules/.bin', name);
let passed = 0;
let failed = 0;

function check(title: string, command: string, args: readonly string[]): void {
  console.log(`\n— ${title}`);
  const {status} = spawnSync(command, args, {cwd: root, stdio: 'inherit'});
  if (status === 0) passed++;
  else failed++;
}

check('types', bin('tsc'), ['-p', '.']);
check('lint and format', bin('biome'), ['ci', '--error-on-warnings']);
check('build', process.execPath, ['source/build.ts']);

const folder = mkdtempSync(join(tmpdir(), 'hoptop-test-'));
const file = join(folder, 'report.json');
console.log('\n— tests');
const only = process.argv.slice(2);
spawnSync(
  bin('vitest'),
  [
    'run',
    '--root',
    '.',
    '--config',
    'test/vitest.config.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${file}`,
    ...only,
  ],
  {cwd: root, stdio: 'inherit', env: {...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0'}},
);

let skipped = 0;
try {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  passed += report.numPassedTests;
  // A file that could not even be loaded has no tests to count: it is one failure.
  const broken = report.testResults.filter(
    result => result.status === 'failed' && !result.assertionResults.some(test => test.status === 'failed'),
  );
  failed += report.numFailedTests + broken.length;
  const pending = report.testResults.flatMap(result =>
    result.assertionResults.filter(test => test.status !== 'passed' && test.status !== 'failed'),
  );
  skipped = pending.length;
  if (skipped > 0) {
    console.log(`\nSKIPPED ${skipped}: these need root and Debian packages (see README, "Tests"):`);
    for (const test of pending) console.log(`  - ${test.fullName.trim()}`);
  }
  if (report.numTotalTests === 0) failed++;
} catch (error) {
  console.error(`The test runner left no report: ${error instanceof Error ? error.message : error}`);
  failed++;
}
rmSync(folder, {recursive: true, force: true});

const inCi = Boolean(process.env['CI']);
if (inCi && skipped > 0) console.log('In CI a skipped test is a failure.');
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || (inCi && skipped > 0) ? 1 : 0);
