declare const HOPTOP_VERSION: string | undefined;

/** From package.json, put in by the build; `dev` when run from source. */
export const VERSION: string = typeof HOPTOP_VERSION === 'string' ? HOPTOP_VERSION : 'dev';
