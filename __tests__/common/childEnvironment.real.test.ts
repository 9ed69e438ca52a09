import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "../../common/exec";
import { exec as execWithAll } from "../../dev/lab/exec";
import { projectDir } from "../../dev/lab/paths";
import { endVirtualBox, virtualBoxProcesses } from "../../dev/lab/virtualBox";

const folder = mkdtempSync(join(tmpdir(), "environment-"));
const vboxManage = join(projectDir, "dev/lab/VBoxManage");

afterAll(async () => {
  await endVirtualBox(folder);
  rmSync(folder, { recursive: true, force: true });
});

test("a VBoxManage that is given only what it needs finds the server that one with everything finds; and its server keeps no credentials", async () => {
  const before = { ...process.env };
  Object.assign(process.env, { VBOX_LAB_DIR: folder, PULUMI_ACCESS_TOKEN: "a token for the test" });
  try {
    expect(await exec(vboxManage, ["createvm", "--name", "held", "--register"])).toMatchObject({ exitCode: 0 });
    // The server ends a few seconds after its last client.
    const client = exec(vboxManage, ["guestproperty", "wait", "held", "nothing", "--timeout", "20000"]);
    const servers = () =>
      virtualBoxProcesses(folder).filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("VBoxSVC"));
    const [server] = servers();
    expect(readFileSync(`/proc/${server}/environ`, "utf8")).not.toContain("PULUMI");
    expect(await execWithAll(vboxManage, ["guestproperty", "set", "held", "nothing", "any"])).toMatchObject({
      exitCode: 0,
    });
    expect(servers()).toEqual([server]);
    await client;
  } finally {
    process.env = before;
  }
});
