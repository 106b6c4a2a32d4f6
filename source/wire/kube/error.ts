import {brief} from '../brief.ts';

/** A way to the API that failed: a sentence with the next step. `final`: trying again by itself does not mend it. */
export class KubeError extends Error {
  readonly final: boolean;
  /** The credentials were refused: new ones may be asked of a plugin. */
  readonly refused: boolean;
  constructor(sentence: string, final: boolean, refused = false) {
    super(brief(sentence));
    this.name = 'KubeError';
    this.final = final;
    this.refused = refused;
  }
}
