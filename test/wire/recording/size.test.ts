import {statSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, expect, test} from 'vitest';
import {createRecorder} from '../../../source/wire/recorder.ts';
import {openRecording} from '../../../source/wire/recording/reader.ts';
import {options, scratch} from './story.ts';

const here = scratch();
afterAll(here.done);

test('what a node prints every two seconds takes a fifteenth of its size, or less', async () => {
  const recording = openRecording(join(import.meta.dirname, 'traffic.hop'));
  const events = recording.between('2000-01-01T00:00:00Z', recording.to);
  const file = here.file();
  const recorder = createRecorder(file, options);
  let raw = 0;
  for (const event of events) {
    recorder.append(event);
    if (event.type === 'reply') raw += event.out.length;
  }
  await recorder.close();
  const {size} = statSync(file);
  const sweeps = recording.rounds.length;
  console.log(
    `${raw} bytes of ${sweeps} rounds of sweeps (${Math.round(raw / sweeps)} a round) in ${size} bytes: 1/${(raw / size).toFixed(1)}`,
  );
  expect(raw).toBeGreaterThan(1_000_000);
  expect(size * 15).toBeLessThan(raw);
  recording.close();
});
