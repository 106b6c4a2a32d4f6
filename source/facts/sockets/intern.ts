/** Strings that many rows share, each kept once. Index 0 is the empty string. */
export type Words = {
  /** Index of the text in `bytes[from, to)`; 0 when it is empty or there is no number left for it. */
  ofBytes(bytes: Uint8Array, from: number, to: number): number;
  indexOf(text: string): number;
  list(): readonly string[];
};

/** Indexes are 16-bit columns; a node that sends more different words than that gets 0 for the rest. */
const MOST = 0xffff;
/** Direct-mapped: a word seen lately is found by its bytes, without making a string of them. */
const CACHE = 64;

export function createWords(): Words {
  const words = [''];
  const indexes = new Map([['', 0]]);
  const cached: (Uint8Array | undefined)[] = Array(CACHE).fill(undefined);
  const cachedIndex = new Uint16Array(CACHE);

  function indexOf(text: string): number {
    const known = indexes.get(text);
    if (known !== undefined) return known;
    if (words.length > MOST) return 0;
    indexes.set(text, words.length);
    return words.push(text) - 1;
  }

  return {
    indexOf,
    list: () => [...words],
    ofBytes(bytes, from, to) {
      const length = to - from;
      if (length <= 0) return 0;
      const slot = (bytes[from]! * 7 + bytes[to - 1]! * 3 + length) & (CACHE - 1);
      const hit = cached[slot];
      if (hit !== undefined && hit.length === length) {
        let i = 0;
        while (i < length && hit[i] === bytes[from + i]) i++;
        if (i === length) return cachedIndex[slot]!;
      }
      const word = new Uint8Array(bytes.subarray(from, to));
      cached[slot] = word;
      cachedIndex[slot] = indexOf(Buffer.from(word).toString());
      return cachedIndex[slot]!;
    },
  };
}
