import { hashOf, type Templates, type TemplateSources } from "./templates";

/**
 * What templates in a state were made from.
 * @param sources undefined in a state of version 0.1.0, which did not write it down: ours of that version are known by
 * their hashes
 */
export const sourcesOf = (
  { userData, metaData, networkConfig }: Templates,
  sources?: TemplateSources,
): TemplateSources =>
  sources ?? { userData: sourceOf(userData), metaData: sourceOf(metaData), networkConfig: sourceOf(networkConfig) };

function sourceOf(text: string): string {
  const hash = hashOf(text);
  return Object.hasOwn(ours, hash) ? ours[hash]! : hash;
}

/** The hash of each template of version 0.1.0 and the layers that it was made of. */
const ours: Readonly<Record<string, string>> = {
  "564568b82aab6202": "user-data debian containerd kubernetes",
  b3366ddc54b38b2a: "user-data debian containerd kubernetes reboot",
  f9e4fba3676bc66c: "user-data debian docker kubernetes",
  "3f1877dd7907a161": "user-data debian docker kubernetes reboot",
  "7e95b9787f4984fc": "user-data debian ssh-ca containerd kubernetes",
  eb6d65ac836c5df6: "user-data debian ssh-ca containerd kubernetes reboot",
  cadd9ca01047bff9: "user-data debian ssh-ca docker kubernetes",
  b6743aff0b06f692: "user-data debian ssh-ca docker kubernetes reboot",
  "6254fe476eb5d5a5": "user-data debian mirror containerd kubernetes",
  "81f950878e8d6fb9": "user-data debian mirror containerd kubernetes reboot",
  ed1a88f3763ae7b1: "user-data debian mirror docker kubernetes",
  "8c8a9d8863645925": "user-data debian mirror docker kubernetes reboot",
  "4b7212c941a41598": "user-data debian mirror ssh-ca containerd kubernetes",
  "9ba953379a42c25d": "user-data debian mirror ssh-ca containerd kubernetes reboot",
  dbb8281dcf679e00: "user-data debian mirror ssh-ca docker kubernetes",
  f0b5219a95c09d8a: "user-data debian mirror ssh-ca docker kubernetes reboot",
  "4f10be1a162c657b": "user-data ubuntu containerd kubernetes",
  "4a2477687913585d": "user-data ubuntu containerd kubernetes reboot",
  "09d5d82e2eb9ec4a": "user-data ubuntu docker kubernetes",
  ed59ed586d1f0ca4: "user-data ubuntu docker kubernetes reboot",
  ab1be064bc414332: "user-data ubuntu ssh-ca containerd kubernetes",
  d8f6b59933d92d66: "user-data ubuntu ssh-ca containerd kubernetes reboot",
  "4e61cad9b5ee6e3a": "user-data ubuntu ssh-ca docker kubernetes",
  c404ccf3f20969eb: "user-data ubuntu ssh-ca docker kubernetes reboot",
  b17b3c749e7e4fb6: "user-data ubuntu mirror containerd kubernetes",
  "82a6d6f1ad80daec": "user-data ubuntu mirror containerd kubernetes reboot",
  "8da778ef56655dfa": "user-data ubuntu mirror docker kubernetes",
  "79fe960057f86287": "user-data ubuntu mirror docker kubernetes reboot",
  "1572bab147d2f7f5": "user-data ubuntu mirror ssh-ca containerd kubernetes",
  "7e6a22e4cb94a7c0": "user-data ubuntu mirror ssh-ca containerd kubernetes reboot",
  f13b5ba05938b39e: "user-data ubuntu mirror ssh-ca docker kubernetes",
  "647ed6db6400b744": "user-data ubuntu mirror ssh-ca docker kubernetes reboot",
  "5226382558320024": "meta-data",
  "6ce754c1975b1b8f": "network-config",
};
