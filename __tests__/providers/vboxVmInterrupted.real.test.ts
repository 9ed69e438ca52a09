import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { VBoxManage } from "../../virtualbox/vboxManage";
import { removeFolder } from "../../virtualbox/vm/remove";
import { endVirtualBox } from "../../dev/lab/virtualBox";
import { vboxVmProvider } from "../../providers/vboxVm";
import {
  context,
  create,
  dir,
  execHere,
  inputs,
  provider,
  registered,
  remove,
  showVm,
  vbox,
  vboxManage,
} from "../support/realMachines";

/** Registers a machine `big`, once, of which a clone takes seconds. */
function makeBig(): void {
  if (registered("vms").includes('"big"')) return;
  const disk = join(dir, "vms/big/big.vdi");
  vbox("createvm", "--name", "big", "--ostype", "Debian_64", "--register");
  vbox("storagectl", "big", "--name", "Disks", "--add", "sata");
  vbox("createmedium", "disk", "--filename", disk, "--size", "1500", "--variant", "Fixed");
  vbox("storageattach", "big", "--storagectl", "Disks", "--port", "0", "--type", "hdd", "--medium", disk);
}

test("what an interrupted create left is cleared away, wherever it stopped", async () => {
  const wanted = inputs({ name: "node6" });
  const folder = join(dir, "vms/vbox-kubeadm/shop/test");
  // VBoxManage was killed: there are files, and no machine.
  vbox("clonevm", "base", "--name", "node6", "--mode", "machine", "--basefolder", folder);
  expect(existsSync(join(folder, "node6"))).toBe(true);
  const first = await create(wanted);
  // The program was killed after the clone: there is a machine without our marks.
  for (const mark of ["owner", "finished"]) vbox("setextradata", first.id, `vbox-kubeadm/${mark}`);
  const second = await create(wanted);
  expect(second.id).not.toBe(first.id);
  // It was killed at the very end: the machine is complete, and is taken as it is.
  const third = await create(wanted);
  expect(third.id).toBe(second.id);
  // And another is to be made: one that was finished may be in use, and only the state that knew it was lost.
  await expect(provider.create({ ...wanted, isoSha256: "b" }, context)).rejects.toThrow(
    /node6 \(.*\) that shop\/test made earlier, and that Pulumi's state does not know\n→ .*stack import/,
  );
  expect(showVm("node6")).toContain(third.id);
  // It was not finished: it has booted from what it should not have.
  vbox("setextradata", third.id, "vbox-kubeadm/finished");
  const fourth = await create({ ...wanted, isoSha256: "b" });
  expect(fourth.id).not.toBe(third.id);
  await remove(fourth.id, fourth.outs);
});

test("the disk of an interrupted create does not come back after VirtualBox's next start, also where no other is made", async () => {
  vbox(
    "clonevm",
    "base",
    "--name",
    "node9",
    "--mode",
    "machine",
    "--basefolder",
    join(dir, "vms/vbox-kubeadm/shop/test"),
  );
  await expect(provider.create(inputs({ name: "node9", baseSnapshot: "nope" }), context)).rejects.toThrow(
    "has no snapshot nope",
  );
  await endVirtualBox(dir);
  expect(registered("hdds")).not.toContain("node9");
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
});

test("nor does it where VirtualBox's server ends before it has saved what was closed", async () => {
  const folder = join(dir, "vms/vbox-kubeadm/shop/test");
  vbox("clonevm", "base", "--name", "node11", "--mode", "machine", "--basefolder", folder);
  let ends = 0;
  const ending: typeof execHere = async (file, args, options) => {
    if (args[0] === "setproperty" && ends++ === 0) await endVirtualBox(dir);
    return execHere(file, args, options);
  };
  await removeFolder(new VBoxManage(vboxManage, ending), join(folder, "node11"), {
    stack: "shop/test",
    name: "node11",
  });
  expect(ends).toBeGreaterThan(0);
  expect(registered("hdds")).not.toContain("node11");
});

test("a clone that passes its deadline is taken back by VirtualBox before the create ends", async () => {
  makeBig();
  const folder = join(dir, "vms/vbox-kubeadm/shop/test");
  const clone = new VBoxManage(vboxManage, execHere, 600).clone("big", {
    name: "node10",
    uuid: randomUUID(),
    baseFolder: folder,
    linked: false,
  });
  await expect(clone).rejects.toThrow("clonevm did not end within 0.6 s");
  expect(existsSync(join(folder, "node10"))).toBe(false);
  expect(registered("hdds")).not.toContain("node10");
});

test("a clone that is killed on its way, while VirtualBox goes on with it, does not stop the next create", async () => {
  makeBig();
  const folder = join(dir, "vms/vbox-kubeadm/shop/test");
  const clone = execHere("timeout", [
    "--signal=KILL",
    "0.6",
    vboxManage,
    "clonevm",
    "big",
    "--name",
    "node7",
    "--mode",
    "machine",
    "--basefolder",
    folder,
    "--register",
  ]);
  await clone.catch(() => {});
  const { id, outs } = await create(inputs({ name: "node7", baseImage: "big" }));
  await remove(id, outs);
});

test.each([
  [/^setextradata \S+ vbox-kubeadm\/owner /, "did not keep the mark of node13"],
  [/^storageattach .* --medium \S+node\.iso$/, /did not put \S+node\.iso into the drive of node13/],
])("a success that is none is an error: %s", async (idle, message) => {
  const forgetful = vboxVmProvider((file, args, options) =>
    idle.test(args.join(" "))
      ? Promise.resolve({ stdout: "", stderr: "", exitCode: 0 })
      : execHere(file, args, options),
  );
  await expect(forgetful.create(inputs({ name: "node13" }), context)).rejects.toThrow(message);
  expect(registered("vms")).not.toContain("node13");
});

test("a create that fails takes back what it made", async () => {
  const failing = vboxVmProvider((file, args, options) =>
    args[0] === "setextradata"
      ? Promise.resolve({ stdout: "", stderr: "VBoxManage: error: the disk is full", exitCode: 1 })
      : execHere(file, args, options),
  );
  await expect(failing.create(inputs({ name: "node8" }), context)).rejects.toThrow("the disk is full");
  expect(registered("vms")).not.toContain("node8");
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
});
