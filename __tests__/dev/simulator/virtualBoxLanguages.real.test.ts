import { rmSync } from "node:fs";
import { join } from "node:path";
import { readInaccessibleFiles } from "../../../virtualbox/answer";
import { endVirtualBox, ensureVirtualBox } from "../../../dev/lab/virtualBox";
import { TwoVirtualBoxes } from "../../support/twoVirtualBoxes";

// VirtualBox's own VBoxManage and the simulated one get the same calls, and must answer in the same words, in each
// language that is translated.
const both = new TwoVirtualBoxes();
const { real, simulated } = both;
const say = (words: RegExp) => expect.arrayContaining([expect.stringMatching(words)]);

// A call of VBoxManage now and then takes 10 seconds.
jest.setTimeout(180_000);

beforeAll(async () => {
  await ensureVirtualBox(() => {});
  await both.makeMachine("made");
  await both.accept("createvm", "--name", "lost", "--ostype", "Debian_64", "--register");
  await both.accept("setextradata", "made", "key", "value");
}, 900_000);

afterAll(() => both.end());

test.each([
  ["ca", /^VBoxManage: error: No s'ha pogut trobar cap màquina/],
  ["ru", /^VBoxManage: error: Невозможно найти зарегистрированную машину/],
  ["tr", /adlı kayıtlı bir makine bulunamadı$/],
])("refusals in %s have the same codes as in English", async (language, words) => {
  await both.accept("setproperty", "language", language);
  expect(await both.refuse("showvminfo", "nobody", "--machinereadable")).toMatchObject({
    code: "VBOX_E_OBJECT_NOT_FOUND",
    words: say(words),
  });
  await both.refuse("createvm", "--name", "made", "--ostype", "Debian_64", "--register");
  await both.refuse("closemedium", "dvd", "DIR/inherited.iso");
});

test("a value is printed in Catalan; in the others, VBoxManage itself speaks English", async () => {
  for (const language of ["ru", "tr", "de", "ca"]) {
    await both.accept("setproperty", "language", language);
    await both.print("getextradata", "made", "key");
    await both.print("getextradata", "made", "none");
    await both.print("guestproperty", "get", "made", "/none");
    await both.print("list", "vms");
  }
  expect((await real.run(["getextradata", "made", "key"])).stdout.trim()).toBe("Valor: value");
  await both.print("list", "hdds");
  await both.print("list", "dvds");
});

test("a language that VirtualBox does not know leaves it in the one before; C is English at once", async () => {
  await real.run(["setproperty", "language", "xx"]);
  expect((await real.run(["showvminfo", "nobody"])).stderr).toMatch(/No s'ha pogut trobar/);
  await both.accept("setproperty", "language", "C");
  await both.refuse("showvminfo", "nobody", "--machinereadable");
  await both.print("getextradata", "made", "key");
});

test("a machine whose settings are gone is refused with one code in every language, and listed without its name", async () => {
  for (const { folder } of [real, simulated]) rmSync(join(folder, "vms/lost"), { recursive: true });
  await endVirtualBox(real.folder); // It notices at its next start.
  const [, uuid] = /^"<.*>" \{(.*)\}$/m.exec((await real.run(["list", "vms"])).stdout)!;
  for (const language of ["C", "ca", "ru", "tr"]) {
    await both.accept("setproperty", "language", language);
    await both.print("list", "vms");
    if (language === "C")
      for (const { run, folder } of [real, simulated])
        expect([...readInaccessibleFiles((await run(["list", "vms", "--long"])).stdout).values()]).toEqual([
          join(folder, "vms/lost/lost.vbox"),
        ]);
    expect((await real.run(["showvminfo", uuid!, "--machinereadable"])).stderr).toContain(
      "code E_ACCESSDENIED (0x80070005), component MachineWrap",
    );
  }
});
