/** What the front door does besides answering and showing, in one file: nothing of it is in anybody's way. */
export {commandsText} from './commands.ts';
export {helpText} from './help.ts';
export {importPasted} from './import.ts';
export {record} from './record.ts';
export {schemaText} from './schema.ts';
