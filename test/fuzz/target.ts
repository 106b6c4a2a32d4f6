/** What the fuzzer feeds: one parser, with real samples to begin from. */
export type Target = {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  /** Names of the errors that it may throw: sentences meant for a person. */
  readonly throws?: readonly string[];
  /** Some are dear: they get a case where others get this many. */
  readonly every?: number;
  run(out: Uint8Array): Told | Promise<Told>;
};

/** What came of one case. */
export type Told = {
  /** Things that were understood, as far as that can be counted. */
  readonly rows?: number;
  /** Sentences about what was not. */
  readonly gaps?: readonly string[];
  /** Texts that would go to a terminal as they are. */
  readonly shown?: readonly string[];
};
