import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureVirtualBox } from "../../../dev/lab/virtualBox";
import { TwoVirtualBoxes } from "../../support/twoVirtualBoxes";

// VirtualBox's own VBoxManage and the simulated one get the same calls: those about drives, disks and ISOs.
const both = new TwoVirtualBoxes();
const { accept, refuse, expectSameState } = both;

// A call of VBoxManage now and then takes 10 seconds.
jest.setTimeout(180_000);

beforeAll(async () => {
  await ensureVirtualBox(() => {});
  await both.makeMachine("made");
}, 900_000);

afterAll(() => both.end());

describe("drives", () => {
  test("have controllers, one of a kind", async () => {
    await refuse("storagectl", "made", "--name", "SATA", "--add", "sata");
    await refuse("storagectl", "made", "--name", "SATA 2", "--add", "sata");
    await refuse("storagectl", "made", "--name", "X", "--add", "nonsense");
    await refuse("storagectl", "made", "--add", "ide");
  });

  const slot = (controller: string, port: number) => [
    "--storagectl",
    controller,
    "--port",
    String(port),
    "--device",
    "0",
  ];

  test("are attached and detached, and the media stay registered", async () => {
    await accept("createmedium", "disk", "--filename", "DIR/elsewhere/second.vdi", "--size", "5");
    await accept("storageattach", "made", ...slot("SATA", 9), "--type", "hdd", "--medium", "DIR/elsewhere/second.vdi");
    await accept("storageattach", "made", ...slot("SATA", 3), "--medium", "emptydrive");
    await accept("storageattach", "made", ...slot("SATA", 3), "--type", "dvddrive", "--medium", "DIR/other.iso");
    await accept("storageattach", "made", ...slot("IDE", 1), "--type", "dvddrive", "--medium", "DIR/other.iso");
    await accept("storageattach", "made", ...slot("IDE", 1), "--medium", "emptydrive");
    await expectSameState();
    await accept("storageattach", "made", ...slot("SATA", 9), "--medium", "none");
    await accept("storageattach", "made", ...slot("SATA", 3), "--medium", "none");
    await expectSameState();
    await accept(
      "storageattach",
      "made",
      ...slot("SATA", 9),
      "--type",
      "hdd",
      "--medium",
      "UUID(elsewhere/second.vdi)",
    );
    await expectSameState();
  });

  test("a disc is taken out by force, another file gets its name, and it is put back as the same medium", async () => {
    const drive = ["storageattach", "made", ...slot("IDE", 1), "--type", "dvddrive", "--forceunmount", "--medium"];
    await accept(...drive, "DIR/other.iso");
    await accept(...drive, "emptydrive");
    both.inFolders((folder) => {
      writeFileSync(join(folder, "part"), Buffer.alloc(3 * 1024 ** 2));
      renameSync(join(folder, "part"), join(folder, "other.iso"));
    });
    await expectSameState();
    await accept(...drive, "DIR/other.iso");
    await expectSameState();
    await accept(...drive, "emptydrive");
  });

  test.each([
    ["none", ...slot("SATA", 5), "--medium", "none"],
    ["no such port", ...slot("SATA", 99), "--type", "hdd", "--medium", "DIR/elsewhere/second.vdi"],
    ["no such controller", ...slot("SCSI", 0), "--type", "hdd", "--medium", "DIR/elsewhere/second.vdi"],
    ["no such file", ...slot("SATA", 5), "--type", "hdd", "--medium", "DIR/missing.vdi"],
    ["no such ISO", ...slot("SATA", 5), "--type", "dvddrive", "--medium", "DIR/missing.iso"],
    ["no such UUID", ...slot("SATA", 5), "--type", "hdd", "--medium", "11111111-2222-3333-4444-555555555555"],
    ["an ISO as a disk", ...slot("SATA", 5), "--type", "hdd", "--medium", "DIR/other.iso"],
    ["no type", ...slot("SATA", 5), "--medium", "DIR/other.iso"],
    ["no such type", ...slot("SATA", 5), "--type", "nonsense", "--medium", "DIR/other.iso"],
  ])("are refused: %s", (_what, ...args) => refuse("storageattach", "made", ...args));
});

describe("disks", () => {
  /** What VirtualBox makes larger, and what it only pretends to. */
  const grown: Record<string, "accept" | "refuse"> = {
    "VDI Standard": "accept",
    "VDI Fixed": "refuse",
    "VMDK Standard": "accept",
    "VMDK Fixed": "accept",
    "VHD Standard": "accept",
    "VHD Fixed": "refuse",
  };

  test.each(Object.entries(grown))("%s: made, made larger, closed, found again, deleted", async (kind, resize) => {
    const [format, variant] = kind.split(" ") as [string, string];
    const path = `DIR/disks/${variant}.${format.toLowerCase()}`;
    const create = [
      "createmedium",
      "disk",
      "--filename",
      path,
      "--size",
      "10",
      "--format",
      format,
      "--variant",
      variant,
    ];
    await accept(...create);
    await refuse(...create);
    await both[resize]("modifymedium", "disk", path, "--resize", "12");
    await both.expectSameDisk(path);
    await refuse("modifymedium", "disk", path, "--resize", "5");
    await accept("closemedium", "disk", path);
    await both.expectSameDisks();
    await both.expectSameDisk(path);
    await accept("closemedium", "disk", path, "--delete");
    await refuse("showmediuminfo", "disk", path);
    await both.expectSameDisks();
  });

  test.each([
    ["no size", "--size", "0"],
    ["no number", "--size", "x"],
    ["no such format", "--size", "5", "--format", "NONSENSE"],
    ["no such variant", "--size", "5", "--variant", "Nonsense"],
  ])("are refused: %s", (_what, ...args) =>
    refuse("createmedium", "disk", "--filename", "DIR/disks/wrong.vdi", ...args),
  );

  test.each([
    ["modifymedium", "disk", "--resize", "5"],
    ["showmediuminfo", "disk"],
    ["closemedium", "disk"],
    ["closemedium", "disk", "--delete"],
    ["closemedium", "dvd"],
  ])("%s %s: is not found", async (verb, kind, ...options) => {
    await refuse(verb, kind, "DIR/missing.vdi", ...options);
    await refuse(verb, kind, "11111111-2222-3333-4444-555555555555", ...options);
  });

  test("that are attached stay", async () => {
    await refuse("closemedium", "disk", "DIR/vms/made/made.vdi");
    await refuse("closemedium", "disk", "UUID(vms/made/made.vdi)", "--delete");
    await accept("modifymedium", "disk", "UUID(vms/made/made.vdi)", "--resize", "70");
    await both.expectSameDisk("DIR/vms/made/made.vdi");
  });

  test("ISOs stay while they are in a drive", async () => {
    await accept(
      "storageattach",
      "made",
      "--storagectl",
      "IDE",
      "--port",
      "1",
      "--device",
      "0",
      "--type",
      "dvddrive",
      "--medium",
      "DIR/inherited.iso",
    );
    await refuse("closemedium", "dvd", "UUID(inherited.iso)");
    await accept("closemedium", "dvd", "UUID(other.iso)");
    await expectSameState();
  });
});
