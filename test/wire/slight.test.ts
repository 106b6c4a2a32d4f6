import {spawnSync} from 'node:child_process';
import {expect, test} from 'vitest';
import {FACTS} from '../../source/facts/catalogue.ts';

const slight = FACTS.map(({reader}) => reader).filter(reader => reader.slight);

/** They stand in the text of a sweep as they are: what does not parse would spoil all of it. */
test.each(slight.map(({name, command}) => [name, command]))('%s is a whole command', (_, command) => {
  const {status, stderr} = spawnSync('sh', ['-n'], {input: `( ${command}\n) </dev/null\n`, encoding: 'utf8'});
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
