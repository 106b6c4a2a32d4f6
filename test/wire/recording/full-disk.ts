/** Run by a test under a limit of file size: records noise until writing fails, then some more. */
import {randomBytes} from 'node:crypto';
import {createRecorder} from '../../../source/wire/recorder.ts';
import {at, options, reply, swept} from './story.ts';

const failed = (sentence: string) => console.log(sentence);
const recorder = createRecorder(process.argv[2]!, {...options, failed});
for (let sweep = 1; sweep <= 60; sweep++) {
  const when = {sweep, at: at(sweep * 2000)};
  recorder.append(reply('a', '1', randomBytes(2000).toString('base64'), when));
  recorder.append(swept('a', sweep, sweep * 2000 + 100));
}
await recorder.close();
console.log('the session went on');
