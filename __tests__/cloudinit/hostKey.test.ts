import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utils } from "ssh2";
import { generateHostKey } from "../../cloudinit/hostKey";
import { run } from "../../dev/lab/exec";

test("OpenSSH reads the key and finds its other half", async () => {
  const folder = mkdtempSync(join(tmpdir(), "key-"));
  try {
    for (let count = 0; count < 20; count++) {
      const { hostPrivateKey, hostPublicKey } = generateHostKey();
      const file = join(folder, `key-${count}`);
      writeFileSync(file, hostPrivateKey, { mode: 0o600 });
      expect((await run("ssh-keygen", ["-y", "-f", file])).trim()).toBe(hostPublicKey);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a signature of the one is verified by the other", () => {
  const [first, second] = [generateHostKey(), generateHostKey()];
  const parsed = (key: string) => utils.parseKey(key) as Exclude<ReturnType<typeof utils.parseKey>, Error>;
  const signature = parsed(first.hostPrivateKey).sign("text");
  expect(parsed(first.hostPublicKey).verify("text", signature)).toBe(true);
  expect(parsed(second.hostPublicKey).verify("text", signature)).toBe(false);
});
