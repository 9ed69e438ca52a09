import { filesOfDisks } from "../../checks/room";
import { VBoxManage } from "../../virtualbox/vboxManage";
import { baseImage } from "../../dev/simulator/site";
import { SimulatedVBoxManage } from "../../dev/simulator/virtualBox/simulatedVBoxManage";
import { problems, put, site, useLookedAtSite } from "../support/lookedAtSite";

useLookedAtSite();

test.each([
  [
    "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n",
    ["warning: the workers need 2.0 GB of memory, and the host has 1.0 GB in all"],
  ],
  [
    "MemTotal: 8388608 kB\nMemAvailable: 1048576 kB\n",
    ["warning: the workers need 2.0 GB of memory, and 1.0 GB are free now"],
  ],
])("memory %j", async (meminfo, expected) => {
  put("/proc/meminfo", meminfo);
  expect(await problems()).toEqual(expected);
});

test("the room for a copy counts each file of a disk that has snapshots", async () => {
  const manage = new SimulatedVBoxManage(site.world);
  for (const name of ["one", "two"]) await manage.run(["snapshot", baseImage, "take", name]);
  const vbox = new VBoxManage("VBoxManage", async (_file, args) => manage.run(args));
  const files = filesOfDisks((await vbox.showVm(baseImage))!, await vbox.listMedia("hdds"));
  expect(files).toHaveLength(3);
  expect(files.at(-1)).toMatch(/\.(vdi|vmdk)$/);
  expect(files.slice(0, 2).join()).toMatch(/Snapshots.*Snapshots/);
});

test("fixed disks that no disk has room for", async () => {
  expect(await problems({}, { disks: [{ sizeMb: 2_000_000_000, format: "VDI", variant: "Fixed" }] })).toEqual([
    expect.stringMatching(/^wrong: fixed `disks` need 1953125\.0 GB in /),
  ]);
});
