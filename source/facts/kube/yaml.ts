import {createRequire} from 'node:module';
import type * as Yaml from 'yaml';

let library: typeof Yaml | undefined;

/** The YAML library. Setting it up takes longer than many an answer, and most never meet YAML, so it waits for a need. */
export function yaml(): typeof Yaml {
  // The bundle has a `require`, which the bundler sees here; run from source there is none.
  library ??= (
    typeof require === 'function' ? require('yaml') : createRequire(import.meta.url)('yaml')
  ) as typeof Yaml;
  return library;
}
