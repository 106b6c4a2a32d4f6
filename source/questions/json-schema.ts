import {toJsonSchema} from '@valibot/to-json-schema';
import {definitionOf} from './catalogue.ts';
import type {QuestionName} from './question.ts';

/** JSON Schema (draft-07) of what `toJson` gives for a question. */
export function schemaOf(name: QuestionName): object {
  return {title: `hoptop ${name}`, ...toJsonSchema(definitionOf(name).schema, {ignoreActions: ['readonly']})};
}
