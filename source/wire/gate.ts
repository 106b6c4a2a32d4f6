/** Hears sudo ask for a password, and what came of it, in what a shell says before the protocol begins (`rights.ts`). */
export type Gate = {
  out(chunk: Uint8Array): void;
  err(chunk: Uint8Array): void;
};

export type GateEvents = {
  /** Sudo asks; the first time, or since it did not take what it was given. */
  readonly asks: (again: boolean) => void;
  readonly granted: () => void;
  /** Sudo gave up; `said`: its last words, on one line, in plain ASCII. */
  readonly refused: (said: string) => void;
};

const kept = 4096;

export function createGate(token: string, {asks, granted, refused}: GateEvents): Gate {
  const decoder = () => new TextDecoder('latin1');
  const [fromOut, fromErr] = [decoder(), decoder()];
  let out = '';
  let err = '';
  let said = '';
  let times = 0;
  let over = false;
  /** The end is told on both streams, which come in no order. */
  const ends = {out: false, err: false};
  const end = () => {
    if (!ends.out || !ends.err || over) return;
    over = true;
    refused(lastWords(said));
  };
  return {
    out(chunk) {
      if (over) return;
      out = (out + fromOut.decode(chunk, {stream: true})).slice(-kept);
      if (out.includes(`${token}+`)) {
        over = true;
        granted();
      } else if (out.includes(`-${token}`)) {
        ends.out = true;
        end();
      }
    },
    err(chunk) {
      if (over || ends.err) return;
      err = (err + fromErr.decode(chunk, {stream: true})).slice(-kept);
      for (let at = err.indexOf(token); at >= 0; at = err.indexOf(token)) {
        const after = at + token.length;
        if (err[at - 1] === '-') {
          said += err.slice(0, at - 1);
          ends.err = true;
          return end();
        }
        said = '';
        err = err.slice(after);
        asks(times > 0);
        times += 1;
      }
    },
  };
}

/** The last line that says more than that it did not work. It is fed to a shell as data, so it is plain. */
function lastWords(text: string): string {
  const lines = text
    .split(/[\r\n]+/)
    .map(line => line.replace(/[^ -~]+/g, ' ').trim())
    .filter(line => line !== '' && !/^Sorry, try again/i.test(line));
  return (lines.at(-1) ?? 'it did not take the password').slice(0, 300);
}
