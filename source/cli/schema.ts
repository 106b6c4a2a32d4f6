import {UsageError} from '../options.ts';
import {schemaOf} from '../questions/json-schema.ts';
import {QUESTION_NAMES, type QuestionName} from '../questions/question.ts';

/** The JSON Schema of one question's answer, or of all under their names. Throws `UsageError` for another name. */
export function schemaText(name: string | undefined): string {
  if (name === undefined) {
    return `${JSON.stringify(Object.fromEntries(QUESTION_NAMES.map(each => [each, schemaOf(each)])), null, 2)}\n`;
  }
  if (!(QUESTION_NAMES as readonly string[]).includes(name)) {
    throw new UsageError(`There is no question "${name}"; there are ${QUESTION_NAMES.join(', ')}.`);
  }
  return `${JSON.stringify(schemaOf(name as QuestionName), null, 2)}\n`;
}
