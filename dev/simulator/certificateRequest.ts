import { generateKeyPairSync, sign } from "node:crypto";

/** An element of DER. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const bytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), body]);
}

const sequence = (...content: Buffer[]) => der(0x30, ...content);

/** `organizationName` is 10, `commonName` 3; in Go's kind of string. */
const attribute = (type: number, value: string) =>
  der(0x31, sequence(der(0x06, Buffer.from([0x55, 0x04, type])), der(0x13, Buffer.from(value))));

/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2. */
const ECDSA_WITH_SHA256 = sequence(der(0x06, Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])));

/** A PKCS#10 request in PEM, with a key that nobody keeps, as a kubelet makes it for the certificate of a node. */
export function kubeletsRequest(node: string): string {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = sequence(attribute(10, "system:nodes"), attribute(3, `system:node:${node}`));
  const info = sequence(
    der(0x02, Buffer.from([0])),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa0),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", info, privateKey));
  const base64 = sequence(info, ECDSA_WITH_SHA256, signature).toString("base64");
  return `-----BEGIN CERTIFICATE REQUEST-----\n${base64.match(/.{1,64}/g)!.join("\n")}\n-----END CERTIFICATE REQUEST-----\n`;
}
