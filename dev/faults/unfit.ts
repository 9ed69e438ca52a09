/** What no user must be shown, and what it is. */
const UNFIT: readonly [RegExp, string][] = [
  [/^\s*at .*[.:]\d+:\d+\)?$/m, "a stack trace"],
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/, "a bootstrap token"],
  [/PRIVATE KEY-----(\s|\\n)*[A-Za-z0-9+/]/, "a private key"],
  [/client-key-data:\s*[A-Za-z0-9+/]/, "a kubeconfig's key"],
];

/** A line for each kind of thing in a text that no user must be shown. */
export const unfit = (text: string): string[] =>
  UNFIT.filter(([pattern]) => pattern.test(text)).map(([, what]) => `said: ${what}`);
