/** A bootstrap token: id, dot, secret (kubernetes/cmd/kubeadm, `BootstrapTokenPattern`). */
const BOOTSTRAP_TOKEN = /\b([a-z0-9]{6})\.[a-z0-9]{16}\b/g;

/** A private key or a certificate's key data in a kubeconfig. */
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const KEY_DATA = /(client-key-data:\s*)\S+/g;

/** Takes out of a text what must never be seen in a log or an error: bootstrap tokens (their id stays), private keys. */
export const redact = (text: string): string =>
  text.replace(BOOTSTRAP_TOKEN, "$1.<redacted>").replace(PRIVATE_KEY, "<private key redacted>").replace(KEY_DATA, "$1<redacted>");
