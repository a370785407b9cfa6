/** The part of JupyterLab's translation bundle that views need, so that they work without JupyterLab too. */
export interface ITrans {
  __(msgid: string, ...args: readonly unknown[]): string;
  _n(msgid: string, plural: string, n: number, ...args: readonly unknown[]): string;
}

function fill(text: string, args: readonly unknown[]): string {
  return text.replace(/%(\d)/g, (whole, digit: string) => {
    const index = Number(digit) - 1;
    return index < args.length ? String(args[index]) : whole;
  });
}

/** English: where no translator is at hand. */
export const english: ITrans = {
  __: (msgid, ...args) => fill(msgid, args),
  _n: (msgid, plural, n, ...args) => fill(n === 1 ? msgid : plural, [n, ...args])
};
