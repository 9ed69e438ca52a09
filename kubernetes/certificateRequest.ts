/** DER tags (ITU-T X.690). */
const TAG = {
  integer: 0x02,
  bitString: 0x03,
  objectId: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
} as const;

/** Object identifiers of X.520 in DER: 2.5.4.10, organizationName; 2.5.4.3, commonName. */
const ORGANIZATION = Buffer.from([0x55, 0x04, 0x0a]);
const COMMON_NAME = Buffer.from([0x55, 0x04, 0x03]);

/** More than the largest kubelet's request, with an RSA key of 8192 bits. */
const MAX_LENGTH = 8 * 1024;

/**
 * Whether a PKCS#10 request (RFC 2986), as a CertificateSigningRequest holds it, asks for exactly what a kubelet of
 * this node asks for: the subject `O=system:nodes, CN=system:node:NAME` and nothing else, no alternative names among
 * it. It is compared byte by byte with the one encoding that there is, so nothing in it can be read in two ways;
 * whatever is built otherwise is refused. The API server checks the signature.
 *
 * @param pem one block, without anything around it
 */
export function isKubeletsRequest(pem: string, node: string): boolean {
  const der = derOf(pem);
  const request = der && partsOf(der, [TAG.sequence]);
  const [info] = (request && partsOf(request[0]!.body, [TAG.sequence, TAG.sequence, TAG.bitString])) ?? [];
  const parts = info && partsOf(info.body, [TAG.integer, TAG.sequence, TAG.sequence, TAG.attributes]);
  if (!parts) return false;
  const [version, subject, , attributes] = parts as [Part, Part, Part, Part];
  return (
    version.body.equals(Buffer.from([0])) &&
    attributes.body.length === 0 &&
    subjectsOf(node).some((expected) => subject.whole.equals(expected))
  );
}

/** The subject's encoding: Go writes printable strings, OpenSSL UTF-8; both are read alike. */
const subjectsOf = (node: string): Buffer[] =>
  [TAG.printable, TAG.utf8].map((text) => {
    const attribute = (id: Buffer, value: string) =>
      encoded(TAG.set, encoded(TAG.sequence, encoded(TAG.objectId, id), encoded(text, Buffer.from(value))));
    return encoded(
      TAG.sequence,
      attribute(ORGANIZATION, "system:nodes"),
      attribute(COMMON_NAME, `system:node:${node}`),
    );
  });

/** An element of DER; its content is shorter than 64 kB. */
function encoded(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(body.length)]), body]);
}

const lengthBytes = (length: number) =>
  length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];

/** Only the one spelling of base64 in one block of PEM: Go skips text before a block, and reads headers in it. */
function derOf(pem: string): Buffer | undefined {
  const [, base64 = ""] =
    /^-----BEGIN CERTIFICATE REQUEST-----\n([A-Za-z0-9+/=\n]+)\n-----END CERTIFICATE REQUEST-----\n?$/.exec(
      pem.slice(0, MAX_LENGTH),
    ) ?? [];
  const der = Buffer.from(base64, "base64");
  return der.length > 0 && der.toString("base64") === base64.replaceAll("\n", "") ? der : undefined;
}

interface Part {
  whole: Buffer;
  body: Buffer;
}

/** The elements that a content consists of, if they have these tags and nothing follows them. */
function partsOf(content: Buffer, tags: readonly number[]): Part[] | undefined {
  const parts: Part[] = [];
  let at = 0;
  for (const tag of tags) {
    const part = partAt(content, at, tag);
    if (!part) return undefined;
    parts.push(part);
    at += part.whole.length;
  }
  return at === content.length ? parts : undefined;
}

/** The element at an offset, if it is there as a whole, and its length is written in the shortest way. */
function partAt(content: Buffer, at: number, tag: number): Part | undefined {
  const [first = 0, second = 0, third = 0] = content.subarray(at + 1, at + 4);
  const length = first < 0x80 ? first : first === 0x81 ? second : (second << 8) | third;
  const header = [tag, ...lengthBytes(length)];
  const whole = content.subarray(at, at + header.length + length);
  const isWhole =
    whole.length === header.length + length && whole.subarray(0, header.length).equals(Buffer.from(header));
  return isWhole ? { whole, body: whole.subarray(header.length) } : undefined;
}
