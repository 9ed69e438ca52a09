/**
 * A bootstrap token: id, dot, secret (kubernetes/cmd/kubeadm, `BootstrapTokenPattern`). What stands before may touch
 * it, as the n of an escaped newline does.
 */
const TOKEN = /([a-z0-9]{6})\.[a-z0-9]{16}(?![a-z0-9])/g;

/** One whose end was cut off, by whoever wrote the text: with a digit, as what is no secret is usually a word. */
const TOKEN_WITHOUT_END =
  /(?<![a-z0-9])([a-z0-9]{6})\.(?=[a-z]{0,14}\d)(?:[a-z0-9]{1,15}(?=…|\.\.\.)|[a-z0-9]{10,15}(?=\s*$))/g;

/** One whose beginning was cut off. */
const TOKEN_WITHOUT_BEGINNING = /(^|…|\.\.\.)[a-z0-9]{0,5}\.[a-z0-9]{16}(?![a-z0-9])/g;

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----/;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/;
const PRIVATE_KEY = new RegExp(`${BEGIN.source}[^]*?(?:${END.source}|$)`, "g");

/** A private key in a kubeconfig, as YAML or JSON. */
const KEY_DATA = /(client-key-data"?:\s{0,8}"?)[^\s"]+/g;

/** A bearer token: a JSON Web Token (RFC 7519), whose header begins with `{"`. */
const WEB_TOKEN = /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g;

/** Who logs in with which password in a URL (RFC 3986, section 3.2.1), such as a mirror's, which apt prints. */
const USER_INFO = /:\/\/[^\s/@]{1,512}@/g;

/**
 * Base64 that is longer than anything that anybody reads, such as an encoded key whose label was cut off: with letters
 * of both cases and digits.
 */
const ENCODED =
  /(?<![\w+/])(?=[a-z0-9+/]{0,199}[A-Z])(?=[A-Z0-9+/]{0,199}[a-z])(?=[A-Za-z+/]{0,199}\d)[A-Za-z0-9+/]{200,}={0,2}/g;

/**
 * Takes out of a text what must never be seen in a log or an error: bootstrap tokens (their id stays), private keys,
 * bearer tokens, also such as somebody has cut, and logins in URLs. Every expression takes time in proportion to the
 * text.
 */
export const redact = (text: string): string =>
  withoutKeyLines(text.replace(PRIVATE_KEY, "<private key redacted>"))
    .replace(KEY_DATA, "$1<redacted>")
    .replace(WEB_TOKEN, "<redacted>")
    .replace(USER_INFO, "://<redacted>@")
    .replace(ENCODED, "<redacted>")
    .replace(TOKEN, "$1.<redacted>")
    .replace(TOKEN_WITHOUT_END, "$1.<redacted>")
    .replace(TOKEN_WITHOUT_BEGINNING, "$1<redacted>");

/** Line ends, also as JSON writes them. */
const LINE_END = /(\r?\n|(?:\\r)?\\n)/;

const isBase64 = (line: string) => /^\s*[A-Za-z0-9+/]+={0,2}\s*$/.test(line);

/** A whole line of a key's body: OpenSSH writes 70 characters, PEM 64 (RFC 7468), MIME 76. No digest in hexadecimal. */
const isKeyLine = (line: string) =>
  isBase64(line) && /^\s*(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])[A-Za-z0-9+/]{60,76}\s*$/.test(line);

/** Takes out what is left of a private key whose BEGIN line was cut off, whether its END line is there or not. */
function withoutKeyLines(text: string): string {
  const parts = text.split(LINE_END); // Lines, with their ends between them.
  for (let i = 0; i < parts.length; i += 2) {
    const end = parts[i]!.search(END);
    if (end >= 0) {
      const before = parts[i]!.slice(0, end);
      parts[i] = `${isBase64(before) ? "" : before}${REDACTED_KEY}${parts[i]!.slice(end).replace(END, "")}`;
      for (let at = i - 2; at >= 0 && isBase64(parts[at]!); at -= 2) drop(parts, at);
    } else if (isKeyLine(parts[i]!)) {
      parts[i] = REDACTED_KEY;
      for (; isBase64(parts[i + 2] ?? ""); i += 2) drop(parts, i + 2);
    }
  }
  return parts.join("");
}

/** Empties a line, and the line end that goes with it. */
function drop(parts: string[], line: number): void {
  parts[line] = "";
  parts[line + 1 < parts.length ? line + 1 : line - 1] = "";
}

const REDACTED_KEY = "<private key redacted>";
