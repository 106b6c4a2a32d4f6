/** What the exit status means; the same list is in the help. */
export const EXIT = {answered: 0, usage: 1, some: 2, none: 3, missing: 4} as const;
