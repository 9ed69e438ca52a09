import { primaryFingerprint } from "../../../dev/lab/aptKey";

test("the primary key's fingerprint, not a subkey's", () => {
  const primary = "A".repeat(40);
  const listing = [
    "tru::1:1700000000:0:3:1:5",
    "pub:u:255:22:AAAA:1700000000:::u:::scSC:",
    `fpr:::::::::${primary}:`,
    "uid:u::::1700000000::BB::lab::",
    "sub:u:255:18:CCCC:1700000000::::::e:",
    `fpr:::::::::${"C".repeat(40)}:`,
  ].join("\n");
  expect(primaryFingerprint(listing)).toBe(primary);
});

test("an empty keyring is an error", () =>
  expect(() => primaryFingerprint("tru::1:1700000000:0:3:1:5\n")).toThrow("no key"));
