/** What answers, in one file to load while nodes are read; see `answer.ts`. */
export {createEngine} from '../engine.ts';
export {toJson} from '../questions/json.ts';
export {toView} from '../views/catalogue.ts';
export {viewText} from '../views/text.ts';
export {readQuestion} from './question.ts';
