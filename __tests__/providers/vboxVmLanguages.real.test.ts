import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { endVirtualBox } from "../../dev/lab/virtualBox";
import { context, create, dir, inputs, provider, registered, remove, vbox } from "../support/realMachines";

// VirtualBox's server speaks another language, whatever that of its callers is.
const disk = { sizeMb: 20, format: "VDI", variant: "Standard" } as const;
const speak = (language: string) => vbox("setproperty", "language", language);

afterEach(() => speak("C"));

test("a finished machine that Pulumi's state lost survives a create, an update and a delete under a Catalan server", async () => {
  const wanted = inputs({ name: "node1", disks: [disk] });
  const { id, outs } = await create(wanted);
  speak("ca");
  const refusal = /VirtualBox speaks Catalan \(ca\)[^]*VBoxManage setproperty language C/;
  await expect(provider.create(wanted, context)).rejects.toThrow(refusal);
  await expect(provider.read(id, outs, context)).rejects.toThrow(refusal);
  await expect(provider.update(id, outs, { ...wanted, cpus: 1 }, context)).rejects.toThrow(refusal);
  await expect(provider.delete(id, outs, context)).rejects.toThrow(refusal);
  expect(registered("vms")).toContain(`"node1" {${id}}`);
  expect(existsSync(join(dir, "vms/vbox-kubeadm/shop/test/node1/vbox-kubeadm-disk-1.vdi"))).toBe(true);
  speak("C");
  await remove(id, outs);
});

test.each(["ru", "tr"])(
  "a server whose errors are in %s is no hindrance: they are told by their codes",
  async (language) => {
    speak(language);
    const wanted = inputs({ name: `node-${language}`, disks: [disk] });
    await expect(provider.create({ ...wanted, cloneMode: "linked", baseSnapshot: "nope" }, context)).rejects.toThrow(
      "has no snapshot nope",
    );
    const { id, outs } = await create(wanted);
    const changed = await provider.update(id, outs, { ...wanted, cpus: 1, disks: [] }, context);
    rmSync(join(dir, `vms/vbox-kubeadm/shop/test/node-${language}`), { recursive: true });
    await endVirtualBox(dir); // It notices at its next start.
    await expect(provider.read(id, changed, context)).rejects.toThrow(/cannot read the settings/);
    await remove(id, changed);
    expect(await provider.read(id, changed, context)).toBeUndefined();
  },
);
